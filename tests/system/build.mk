# What system tests are made of beside Python. Built by `make tests`, never installed.
NSS_OTHER := $(BUILD)/tests/system/libnss_other.so.2
$(NSS_OTHER): $(BUILD)/modobj/tests/system/nss_other.o
	@mkdir -p $(@D)
	$(CC) $(MODULE_CFLAGS) -shared -Wl,-soname,libnss_other.so.2 -Wl,-z,defs $(ALL_LDFLAGS) -o $@ $<
tests: $(NSS_OTHER)
