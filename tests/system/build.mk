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

# Test servers that come from npm, by their lock files, from the registry that npm is set up with: an
# emulator of Okta, with the node that it needs, and a SCIM server. Where that cannot be reached, the
# tests that need one are skipped and say so.
NPM_SERVERS := $(BUILD)/tests/npm/okta/ready $(BUILD)/tests/npm/scim/ready
$(NPM_SERVERS): $(BUILD)/tests/npm/%/ready: tests/npm/%/package.json tests/npm/%/package-lock.json
	@mkdir -p $(@D)
	@rm -f $@
	cp $^ $(@D)
	cd $(@D) && { npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 >npm.log 2>&1 && \
		touch ready || echo "npm ci found no registry: tests of $* will be skipped; see $(@D)/npm.log"; }
tests: $(NPM_SERVERS)
