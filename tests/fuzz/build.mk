# Fuzz targets: clang and libFuzzer. `make fuzz FUZZ_SECONDS=60` runs each for that long.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS += fuzz_cache
fuzz_cache_SRCS := tests/fuzz/fuzz_cache.c tests/unit/cache_fixture.c lib/cache_map.c lib/cache_find.c \
	lib/cache_handles.c lib/cache_private.c lib/account.c lib/safeio.c lib/cache_build.c lib/cache_members.c \
	lib/cache_keys_writer.c lib/cache_snapshot_writer.c \
	lib/cache_private_writer.c lib/cache_board_writer.c

FUZZ_TARGETS += fuzz_source_message
fuzz_source_message_SRCS := tests/fuzz/fuzz_source_message.c lib/source_message.c lib/timeparse.c lib/parse.c
fuzz_source_message_LIBS := -ljansson

FUZZ_TARGETS += fuzz_config
fuzz_config_SRCS := tests/fuzz/fuzz_config.c lib/config.c lib/config_parse.c lib/config_finish.c \
	lib/config_table.c lib/parse.c lib/timeparse.c lib/safeio.c lib/account.c
fuzz_config_LIBS := -linih -ljansson

FUZZ_CC ?= clang
FUZZ_CFLAGS := $(filter-out -MMD -MP,$(BASE_CFLAGS)) -O1 -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined
define fuzz_rule
$(BUILD)/fuzz/$(1): $$($(1)_SRCS)
	@mkdir -p $$(@D)
	$$(FUZZ_CC) $$(filter-out -fstack-clash-protection,$$(FUZZ_CFLAGS)) -o $$@ $$($(1)_SRCS) $$($(1)_LIBS)
fuzz: fuzz-$(1)
.PHONY: fuzz-$(1)
fuzz-$(1): $(BUILD)/fuzz/$(1)
	@mkdir -p $(BUILD)/fuzz/corpus-$(1)
	$(BUILD)/fuzz/$(1) -max_total_time=$$(FUZZ_SECONDS) -max_len=65536 -print_final_stats=1 \
		-artifact_prefix=$(abspath $(BUILD))/fuzz/ $(BUILD)/fuzz/corpus-$(1)
endef
$(foreach f,$(FUZZ_TARGETS),$(eval $(call fuzz_rule,$(f))))
