# What the benchmark of lookups is made of. Built by `make tests`, never installed.
FLOOR := $(BUILD)/tests/bench/libnss_floor.so.2
$(FLOOR): $(BUILD)/modobj/tests/bench/floor.o tests/bench/floor.map
	@mkdir -p $(@D)
	$(CC) $(MODULE_CFLAGS) -shared -Wl,-soname,libnss_floor.so.2 -Wl,-z,nodelete -Wl,-z,defs \
		-Wl,--version-script,tests/bench/floor.map $(ALL_LDFLAGS) -o $@ $(BUILD)/modobj/tests/bench/floor.o
tests: $(FLOOR)

PROGRAMS += nss_company
nss_company_SRCS := tests/bench/nss_company.c
nss_company_DIR := tests/bench

# The comparison of lookups (tests/bench/lookups).
NOTHING := $(BUILD)/tests/bench/libnss_nothing.so.2
$(NOTHING): $(BUILD)/modobj/tests/bench/lookups_nothing.o tests/bench/lookups_nothing.map
	@mkdir -p $(@D)
	$(CC) $(MODULE_CFLAGS) -shared -Wl,-soname,libnss_nothing.so.2 -Wl,-z,nodelete -Wl,-z,defs \
		-Wl,--version-script,tests/bench/lookups_nothing.map $(ALL_LDFLAGS) -o $@ $<
tests: $(NOTHING)
bench: $(FLOOR) $(NOTHING)

PROGRAMS += lookups_worker lookups_first
lookups_worker_SRCS := tests/bench/lookups_worker.c tests/bench/lookups_company.c tests/bench/lookups_check.c
lookups_worker_DIR := tests/bench
lookups_first_SRCS := tests/bench/lookups_first.c
lookups_first_DIR := tests/bench

# What publishing costs.
PROGRAMS += publication
publication_SRCS := tests/bench/publication.c
publication_LIBS := -lsqlite3 $(JANSSON_LIBS) -linih -lyajl
publication_DIR := tests/bench

# What a change in a large group costs.
PROGRAMS += members
members_SRCS := tests/bench/members.c
members_LIBS := -lsqlite3 $(JANSSON_LIBS) -linih -lyajl
members_DIR := tests/bench

# How many hosts one directory carries (tests/bench/fleet.py); not part of `make bench`.
PROGRAMS += persist_clients
persist_clients_SRCS := tests/bench/persist_clients.c syncd/sources/ldap_control.c syncd/sources/ldap_entry.c
persist_clients_LIBS := -lldap -llber
persist_clients_DIR := tests/bench

# What a listing costs the engine, from the source's lines to the published files.
PROGRAMS += listing
listing_SRCS := tests/bench/listing.c
listing_LIBS := -lsqlite3 $(JANSSON_LIBS) -linih -lyajl
listing_DIR := tests/bench
