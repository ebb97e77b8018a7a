JANSSON_LIBS := -ljansson -lyajl

PROGRAMS += rollcall-source-csv
rollcall-source-csv_SRCS := syncd/sources/csv.c syncd/sources/csv_file.c syncd/sources/csv_row.c \
	syncd/sources/csv_listed.c syncd/sources/listed.c syncd/sources/emit.c
rollcall-source-csv_LIBS := $(JANSSON_LIBS) -lcsv
rollcall-source-csv_DIR := libexec/rollcall/sources

# The core is in the library too: unit tests drive it with an injected time.
LIB_SRCS += syncd/engine/store.c syncd/engine/body.c syncd/engine/ids.c syncd/engine/breaker.c \
	syncd/engine/person.c syncd/engine/effects.c syncd/engine/groups.c syncd/engine/names.c \
	syncd/engine/entries.c syncd/engine/nesting.c syncd/engine/members.c syncd/engine/losses.c syncd/engine/holds.c \
	syncd/engine/rows.c syncd/engine/listing.c syncd/engine/lease.c syncd/engine/alarms.c \
	syncd/engine/rows.c syncd/engine/stage.c syncd/engine/listing.c syncd/engine/difference.c syncd/engine/dropped.c \
	syncd/engine/dropped_people.c \
	syncd/engine/lease.c \
	syncd/engine/publish.c syncd/engine/publish_accounts.c syncd/engine/publish_private.c \
	syncd/engine/local_files.c syncd/engine/membership.c \
	syncd/engine/query.c syncd/engine/query_source.c syncd/engine/admin.c syncd/engine/core.c \
	syncd/engine/audit_queue.c syncd/engine/outbox.c syncd/engine/fleet.c
ENGINE_LIBS := -lsqlite3 $(JANSSON_LIBS) -linih -lyajl
UNIT_TESTS += test_lifecycle_rules test_lifecycle_people
test_lifecycle_rules_SRCS := tests/unit/test_lifecycle_rules.c tests/unit/engine_fixture.c
test_lifecycle_rules_LIBS := $(ENGINE_LIBS)
test_lifecycle_people_SRCS := tests/unit/test_lifecycle_people.c tests/unit/engine_fixture.c \
	syncd/sources/csv_row.c
test_lifecycle_people_LIBS := $(ENGINE_LIBS)

PROGRAMS += rollcall-syncd
# What starts a source, for `rollcall source run` too.
SOURCE_START_SRCS := syncd/spawn.c syncd/confine.c syncd/source_files.c
rollcall-syncd_SRCS := syncd/main.c syncd/launcher.c $(SOURCE_START_SRCS) syncd/engine/loop.c \
	syncd/engine/supervise.c syncd/engine/sinks.c syncd/engine/acks.c syncd/engine/control.c syncd/engine/child_errors.c
rollcall-syncd_LIBS := $(ENGINE_LIBS) -lseccomp $(SYSTEMD_LIBS)
rollcall-syncd_DIR := sbin

LIB_SRCS += syncd/enforcer/which_processes.c

PROGRAMS += rollcall-enforcer
rollcall-enforcer_SRCS := syncd/enforcer/main.c syncd/enforcer/cache_watch.c syncd/enforcer/duty.c syncd/enforcer/sweep.c \
	syncd/enforcer/process.c syncd/enforcer/audit_log.c syncd/enforcer/breakglass.c pam_module/breakglass/end.c pam_module/breakglass/record.c
rollcall-enforcer_LIBS := $(JANSSON_LIBS) -linih -lcrypto $(SYSTEMD_LIBS)
rollcall-enforcer_DIR := sbin
UNIT_TESTS += test_core_breaker
test_core_breaker_SRCS := tests/unit/test_core_breaker.c tests/unit/company.c
test_core_breaker_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_which_processes
test_which_processes_SRCS := tests/unit/test_which_processes.c
UNIT_TESTS += test_core_ids test_core_dates test_core_publication
test_core_publication_SRCS := tests/unit/test_core_publication.c tests/unit/company.c
test_core_publication_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_core_nss_options
test_core_nss_options_SRCS := tests/unit/test_core_nss_options.c tests/unit/company.c
test_core_nss_options_LIBS := $(ENGINE_LIBS)
test_core_ids_SRCS := tests/unit/test_core_ids.c tests/unit/company.c
test_core_ids_LIBS := $(ENGINE_LIBS)
test_core_dates_SRCS := tests/unit/test_core_dates.c tests/unit/company.c
test_core_dates_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_core_listing
test_core_listing_SRCS := tests/unit/test_core_listing.c tests/unit/company.c
test_core_listing_LIBS := $(ENGINE_LIBS)

UNIT_TESTS += test_source_message
test_source_message_SRCS := tests/unit/test_source_message.c
test_source_message_LIBS := $(JANSSON_LIBS)
UNIT_TESTS += test_core_loss
test_core_loss_SRCS := tests/unit/test_core_loss.c tests/unit/company.c
test_core_loss_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_core_nested
test_core_nested_SRCS := tests/unit/test_core_nested.c tests/unit/group_words.c tests/unit/engine_fixture.c
test_core_nested_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_core_members
test_core_members_SRCS := tests/unit/test_core_members.c tests/unit/group_words.c tests/unit/engine_fixture.c
test_core_members_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_core_silence
test_core_silence_SRCS := tests/unit/test_core_silence.c tests/unit/company.c
test_core_silence_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_core_difference
test_core_difference_SRCS := tests/unit/test_core_difference.c tests/unit/two_ways.c tests/unit/two_ways_groups.c \
	tests/unit/engine_fixture.c
test_core_difference_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_csv_listed
test_csv_listed_SRCS := tests/unit/test_csv_listed.c syncd/sources/csv_file.c syncd/sources/csv_row.c \
	syncd/sources/csv_listed.c syncd/sources/listed.c syncd/sources/emit.c
test_csv_listed_LIBS := $(JANSSON_LIBS) -lcsv

PROGRAMS += rollcall-source-ldap
LDAP_MAP_SRCS := syncd/sources/ldap_entry.c syncd/sources/ldap_state.c syncd/sources/ldap_dn.c \
	syncd/sources/ldap_map.c syncd/sources/ldap_person.c syncd/sources/ldap_schema_rollcall.c
rollcall-source-ldap_SRCS := syncd/sources/ldap.c syncd/sources/ldap_settings.c syncd/sources/ldap_say.c \
	syncd/sources/ldap_known.c syncd/sources/ldap_control.c syncd/sources/ldap_read.c \
	syncd/sources/ldap_follow_sync.c syncd/sources/ldap_follow_poll.c syncd/sources/ldap_ack.c syncd/sources/emit.c syncd/sources/wait.c \
	$(LDAP_MAP_SRCS)
rollcall-source-ldap_LIBS := -lldap -llber $(JANSSON_LIBS)
rollcall-source-ldap_DIR := libexec/rollcall/sources
UNIT_TESTS += test_ldap_entry
test_ldap_entry_SRCS := tests/unit/test_ldap_entry.c $(LDAP_MAP_SRCS)
test_ldap_entry_LIBS := -lldap -llber $(JANSSON_LIBS)
UNIT_TESTS += test_ldap_sync
test_ldap_sync_SRCS := tests/unit/test_ldap_sync.c syncd/sources/ldap_control.c syncd/sources/ldap_known.c
test_ldap_sync_LIBS := -lldap -llber $(JANSSON_LIBS)
SINK_SRCS := syncd/sinks/sink_ldap.c syncd/sinks/sink_people.c syncd/sinks/sink_groups.c syncd/sinks/sink_hosts.c
PROGRAMS += rollcall-sink-ldap
rollcall-sink-ldap_SRCS := syncd/sinks/ldap.c $(SINK_SRCS)
rollcall-sink-ldap_LIBS := $(JANSSON_LIBS) -lldap -llber
rollcall-sink-ldap_DIR := libexec/rollcall/sinks
UNIT_TESTS += test_core_outbox test_ldap_schema_rollcall
test_core_outbox_SRCS := tests/unit/test_core_outbox.c tests/unit/engine_fixture.c
test_core_outbox_LIBS := $(ENGINE_LIBS)
test_ldap_schema_rollcall_SRCS := tests/unit/test_ldap_schema_rollcall.c syncd/sources/ldap_schema_rollcall.c \
	syncd/sources/ldap_entry.c
test_ldap_schema_rollcall_LIBS := $(JANSSON_LIBS) -llber
rollcall-source-ldap_SRCS += syncd/sources/ldap_search.c syncd/sources/ldap_slices.c syncd/sources/ldap_ad.c \
	syncd/sources/ldap_follow_ad.c
UNIT_TESTS += test_ldap_ad
test_ldap_ad_SRCS := tests/unit/test_ldap_ad.c syncd/sources/ldap_ad.c syncd/sources/ldap_control.c \
	syncd/sources/ldap_entry.c
test_ldap_ad_LIBS := -lldap -llber

# What every source over an API adds to its own file.
WEB_SRCS := syncd/sources/web.c syncd/sources/http.c syncd/sources/http_transfer.c syncd/sources/http_text.c \
	syncd/sources/http_worker.c syncd/sources/http_ahead.c \
	syncd/sources/oauth.c syncd/sources/oauth_token.c syncd/sources/jose.c \
	syncd/sources/wait.c syncd/sources/emit.c
WEB_LIBS := -lcurl -lcjose -lcrypto -lyajl $(JANSSON_LIBS)
UNIT_TESTS += test_web_parts
test_web_parts_SRCS := tests/unit/test_web_parts.c $(filter-out syncd/sources/web.c,$(WEB_SRCS))
test_web_parts_LIBS := $(WEB_LIBS)
UNIT_TESTS += test_core_dropped
test_core_dropped_SRCS := tests/unit/test_core_dropped.c tests/unit/engine_fixture.c
test_core_dropped_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_listed
test_listed_SRCS := tests/unit/test_listed.c syncd/sources/listed.c
test_listed_LIBS := $(JANSSON_LIBS)

HR_MAP_SRCS := syncd/sources/jsonapi_pointer.c syncd/sources/jsonapi_date.c syncd/sources/jsonapi_job.c \
	syncd/sources/jsonapi_map.c syncd/sources/jsonapi_state.c syncd/sources/jsonapi_person.c \
	syncd/sources/person.c
UNIT_TESTS += test_jsonapi_map
test_jsonapi_map_SRCS := tests/unit/test_jsonapi_map.c $(HR_MAP_SRCS)
test_jsonapi_map_LIBS := $(JANSSON_LIBS)
test_jsonapi_map_LIBS := $(JANSSON_LIBS) -lyajl
UNIT_TESTS += test_pingone_map
test_pingone_map_SRCS := tests/unit/test_pingone_map.c syncd/sources/pingone_map.c syncd/sources/person.c
test_pingone_map_LIBS := $(JANSSON_LIBS) -lyajl

PROGRAMS += rollcall-source-pingone
rollcall-source-pingone_SRCS := syncd/sources/pingone.c syncd/sources/pingone_page.c syncd/sources/pingone_group.c \
	syncd/sources/pingone_read.c syncd/sources/pingone_log.c syncd/sources/pingone_test.c \
	syncd/sources/pingone_map.c syncd/sources/person.c syncd/sources/listed.c syncd/sources/rows.c \
	syncd/sources/jsonapi_pointer.c $(WEB_SRCS)
rollcall-source-pingone_LIBS := $(WEB_LIBS) -lyajl -lm
rollcall-source-pingone_DIR := libexec/rollcall/sources
UNIT_TESTS += test_config_pingone
test_config_pingone_SRCS := tests/unit/test_config_pingone.c tests/unit/config_fixture.c
test_config_pingone_LIBS := -linih -ljansson
OKTA_MAP_SRCS := syncd/sources/okta_map.c syncd/sources/okta_event.c syncd/sources/person.c
PROGRAMS += rollcall-source-okta
rollcall-source-okta_SRCS := syncd/sources/okta.c syncd/sources/okta_read.c syncd/sources/okta_log.c \
	syncd/sources/okta_ids.c syncd/sources/okta_late.c syncd/sources/okta_groups.c syncd/sources/okta_check.c syncd/sources/pages.c syncd/sources/listed.c \
	$(OKTA_MAP_SRCS) $(WEB_SRCS)
rollcall-source-okta_LIBS := $(WEB_LIBS)
rollcall-source-okta_DIR := libexec/rollcall/sources
UNIT_TESTS += test_okta_map
test_okta_map_SRCS := tests/unit/test_okta_map.c $(OKTA_MAP_SRCS) syncd/sources/pages.c
test_okta_map_LIBS := $(JANSSON_LIBS) -lyajl
UNIT_TESTS += test_scim_map test_config_scim
SCIM_MAP_SRCS := syncd/sources/scim_map.c syncd/sources/scim_attribute.c syncd/sources/person.c
test_scim_map_SRCS := tests/unit/test_scim_map.c $(SCIM_MAP_SRCS)
test_scim_map_LIBS := $(JANSSON_LIBS) -lyajl
test_config_scim_SRCS := tests/unit/test_config_scim.c tests/unit/config_fixture.c
test_config_scim_LIBS := -linih -ljansson
PROGRAMS += rollcall-source-scim
rollcall-source-scim_SRCS := syncd/sources/scim.c syncd/sources/scim_say.c syncd/sources/scim_test.c syncd/sources/scim_list.c \
	syncd/sources/scim_groups.c syncd/sources/listed.c $(SCIM_MAP_SRCS) $(WEB_SRCS)
rollcall-source-scim_LIBS := $(WEB_LIBS)
rollcall-source-scim_DIR := libexec/rollcall/sources

UNIT_TESTS += test_graph_map
test_graph_map_SRCS := tests/unit/test_graph_map.c syncd/sources/graph_map.c syncd/sources/person.c
test_graph_map_LIBS := $(JANSSON_LIBS) -lyajl
UNIT_TESTS += test_graph_assigned
test_graph_assigned_SRCS := tests/unit/test_graph_assigned.c syncd/sources/graph_assigned.c syncd/sources/graph_map.c \
	syncd/sources/person.c
test_graph_assigned_LIBS := $(JANSSON_LIBS) -lyajl
PROGRAMS += rollcall-source-graph
rollcall-source-graph_SRCS := syncd/sources/graph.c syncd/sources/graph_settings.c syncd/sources/graph_state.c \
	syncd/sources/graph_say.c syncd/sources/graph_feed.c syncd/sources/graph_signal.c syncd/sources/graph_test.c \
	syncd/sources/graph_map.c syncd/sources/graph_assigned.c syncd/sources/person.c syncd/sources/listed.c \
	syncd/sources/pages.c $(WEB_SRCS)
rollcall-source-graph_LIBS := $(WEB_LIBS)
rollcall-source-graph_DIR := libexec/rollcall/sources
PROGRAMS += rollcall-source-json
rollcall-source-json_SRCS := syncd/sources/jsonapi.c syncd/sources/jsonapi_listing.c syncd/sources/jsonapi_pages.c \
	syncd/sources/jsonapi_file.c syncd/sources/jsonapi_bamboo.c syncd/sources/jsonapi_test.c \
	syncd/sources/rows.c syncd/sources/listed.c $(HR_MAP_SRCS) $(WEB_SRCS)
rollcall-source-json_LIBS := $(WEB_LIBS) -lm
rollcall-source-json_DIR := libexec/rollcall/sources
UNIT_TESTS += test_config_json
test_config_json_SRCS := tests/unit/test_config_json.c tests/unit/config_fixture.c
test_config_json_LIBS := -linih -ljansson
UNIT_TESTS += test_core_renumbered
test_core_renumbered_SRCS := tests/unit/test_core_renumbered.c tests/unit/engine_fixture.c
test_core_renumbered_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_config_okta
test_config_okta_SRCS := tests/unit/test_config_okta.c tests/unit/config_fixture.c
test_config_okta_LIBS := -linih -ljansson
LIB_SRCS += syncd/sources/json_text.c
UNIT_TESTS += test_json_text
test_json_text_SRCS := tests/unit/test_json_text.c
test_json_text_LIBS := $(JANSSON_LIBS)
# Values of the rows of a page, read and said fast.
LIB_SRCS += syncd/sources/value.c syncd/sources/value_read.c syncd/sources/value_json.c
UNIT_TESTS += test_value test_rows
test_value_SRCS := tests/unit/test_value.c
test_value_LIBS := $(JANSSON_LIBS) -lyajl -lm
test_rows_SRCS := tests/unit/test_rows.c syncd/sources/rows.c syncd/sources/jsonapi_pointer.c
test_rows_LIBS := $(JANSSON_LIBS) -lm
UNIT_TESTS += test_core_dropped_held
test_core_dropped_held_SRCS := tests/unit/test_core_dropped_held.c tests/unit/engine_fixture.c
test_core_dropped_held_LIBS := $(ENGINE_LIBS)

# The uid map, read once a batch; rows that claim the same; whom nobody knew.
LIB_SRCS += syncd/engine/ids_map.c syncd/engine/rivals.c syncd/engine/newcomer.c \
	syncd/engine/body_read.c
UNIT_TESTS += test_core_cost
test_core_cost_SRCS := tests/unit/test_core_cost.c tests/unit/engine_fixture.c
test_core_cost_LIBS := $(ENGINE_LIBS)
test_rows_LIBS := $(JANSSON_LIBS) -lyajl -lm
UNIT_TESTS += test_core_dropped_histories
test_core_dropped_histories_SRCS := tests/unit/test_core_dropped_histories.c tests/unit/two_ways.c tests/unit/two_ways_groups.c \
	tests/unit/engine_fixture.c
test_core_dropped_histories_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_core_faults
test_core_faults_SRCS := tests/unit/test_core_faults.c tests/unit/engine_fixture.c
test_core_faults_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_okta_ids
test_okta_ids_SRCS := tests/unit/test_okta_ids.c syncd/sources/okta_ids.c
test_okta_ids_LIBS := $(JANSSON_LIBS)
UNIT_TESTS += test_core_about
test_core_about_SRCS := tests/unit/test_core_about.c tests/unit/engine_fixture.c
test_core_about_LIBS := $(ENGINE_LIBS)
UNIT_TESTS += test_child_errors
test_child_errors_SRCS := tests/unit/test_child_errors.c syncd/engine/child_errors.c
test_child_errors_LIBS := $(ENGINE_LIBS)
