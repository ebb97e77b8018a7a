LIB_SRCS += lib/parse.c lib/safeio.c lib/log.c
LIB_SRCS += lib/timeparse.c lib/lifecycle_names.c lib/lifecycle_merge.c
LIB_SRCS += lib/account.c lib/cache_map.c lib/cache_handles.c lib/admission.c
LIB_SRCS += lib/cache_build.c lib/cache_snapshot_writer.c lib/cache_private_writer.c
LIB_SRCS += lib/cache_board_writer.c lib/record_log.c lib/lock_journal.c lib/ids_ledger.c
LIB_SRCS += lib/audit.c
LIB_SRCS += lib/config.c lib/config_parse.c lib/config_finish.c lib/config_table.c
LIB_SRCS += lib/source_message.c
