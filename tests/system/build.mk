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
# The Okta emulator of tests, with the node that it needs, from the registry that npm is set up with,
# by its lock file. Where that cannot be reached, the test that needs it is skipped and says so.
OKTA_EMULATOR := $(BUILD)/tests/npm/okta/ready
$(OKTA_EMULATOR): tests/npm/okta/package.json tests/npm/okta/package-lock.json

# The SCIM server of tests, from the registry that npm is set up with, by its lock file. Where that
# cannot be reached, the tests that need it are skipped and say so.
SCIM_SERVER := $(BUILD)/tests/npm/scim/ready
$(SCIM_SERVER): tests/npm/scim/package.json tests/npm/scim/package-lock.json
	@mkdir -p $(@D)
	@rm -f $@
	cp $^ $(@D)
	cd $(@D) && { npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 >npm.log 2>&1 && \
		touch ready || echo "npm ci found no registry: the test on an Okta emulator will be skipped; see $(@D)/npm.log"; }
tests: $(OKTA_EMULATOR)
		touch ready || echo "npm ci found no registry: the tests on a real SCIM server will be skipped; see $(@D)/npm.log"; }
tests: $(SCIM_SERVER)
