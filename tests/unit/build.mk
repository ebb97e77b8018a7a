UNIT_TESTS += test_cache_files test_record_logs
test_cache_files_SRCS := tests/unit/test_cache_files.c tests/unit/cache_fixture.c
test_record_logs_SRCS := tests/unit/test_record_logs.c
