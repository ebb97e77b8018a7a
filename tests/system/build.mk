# What system tests are made of beside Python. Built by `make tests`, never installed.
NSS_OTHER := $(BUILD)/tests/system/libnss_other.so.2
$(NSS_OTHER): $(BUILD)/modobj/tests/system/nss_other.o
	@mkdir -p $(@D)
	$(CC) $(MODULE_CFLAGS) -shared -Wl,-soname,libnss_other.so.2 -Wl,-z,defs $(ALL_LDFLAGS) -o $@ $<
tests: $(NSS_OTHER)

COUNT_CALLS := $(BUILD)/tests/system/libcount.so
$(COUNT_CALLS): $(BUILD)/modobj/tests/system/count_calls.o
	@mkdir -p $(@D)
	$(CC) $(MODULE_CFLAGS) -shared $(ALL_LDFLAGS) -o $@ $<
tests: $(COUNT_CALLS)

PROGRAMS += rollcall-source-weblist
rollcall-source-weblist_SRCS := tests/system/web_source_main.c $(WEB_SRCS)
rollcall-source-weblist_LIBS := $(WEB_LIBS)
rollcall-source-weblist_DIR := tests/tools

PROGRAMS += confined_source
confined_source_SRCS := tests/system/confined_source_main.c syncd/confine.c syncd/source_files.c
confined_source_LIBS := $(ENGINE_LIBS) -lseccomp
confined_source_DIR := tests/tools
