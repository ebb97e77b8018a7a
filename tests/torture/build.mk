# The torture of lookups: `make torture SECONDS=300`, and half a minute of it in the suite.
# The engine's system calls go by way of the test, which is killed at them.
UNIT_TESTS += test_torture
test_torture_SRCS := tests/torture/test_torture.c tests/torture/engine.c \
	tests/torture/generation.c tests/torture/torture_writer.c tests/torture/torture_answers.c tests/torture/torture_lookups.c
test_torture_LIBS := $(ENGINE_LIBS) -lpthread -Wl,--wrap=rename,--wrap=link,--wrap=unlink \
	-Wl,--wrap=fsync,--wrap=fdatasync,--wrap=msync
SECONDS ?= 300
.PHONY: torture
torture: $(BUILD)/tests/test_torture $(NSS_UNDER_TEST)
	$(BUILD)/tests/test_torture $(SECONDS)

# Power lost at every point of what the engine asks of the disk; BY_CHANCE states at each,
# besides the extremes.
UNIT_TESTS += test_power_loss
test_power_loss_SRCS := tests/torture/test_power_loss.c tests/torture/recorder.c tests/torture/disk.c \
	tests/torture/engine.c
test_power_loss_LIBS := $(ENGINE_LIBS) -Wl,--wrap=rollcall_journal_append,--wrap=rollcall_ledger_append
BY_CHANCE ?= 20
.PHONY: power-loss
power-loss: $(BUILD)/tests/test_power_loss
	$(BUILD)/tests/test_power_loss $(BY_CHANCE)

# ThreadSanitizer, which goes with no other and wants everything built for it.
NSS_RACES := $(BUILD)/tests/tsan/nss_races
NSS_RACES_SRCS := tests/torture/nss_races.c tests/unit/cache_fixture.c $(libnss_rollcall.so.2_SRCS) \
	lib/cache_handles.c lib/cache_private.c lib/safeio.c lib/parse.c lib/cache_build.c lib/cache_index.c lib/cache_members.c \
	lib/cache_keys_writer.c lib/cache_snapshot_writer.c lib/cache_private_writer.c lib/cache_board_writer.c
$(NSS_RACES): $(NSS_RACES_SRCS) nss_module/map.h lib/cache_find.h include/rollcall/cache_map.h \
	include/rollcall/cache_format.h
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP -DROLLCALL_STATEDIR=%,$(BASE_CFLAGS)) -DROLLCALL_STATEDIR='"state"' -O1 \
		-fsanitize=thread -pie $(CFLAGS) $(ALL_LDFLAGS) -Wl,--wrap=rc_board_map_open -o $@ $(NSS_RACES_SRCS) \
		-lpthread
tests: $(NSS_RACES)
UNIT_TESTS += test_races
test_races_SRCS := tests/torture/test_races.c
.PHONY: tsan
tsan: $(NSS_RACES)
	setarch -R $(NSS_RACES) 60
