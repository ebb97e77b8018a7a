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
