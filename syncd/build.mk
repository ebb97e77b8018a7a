JANSSON_LIBS := -ljansson

PROGRAMS += rollcall-source-csv
rollcall-source-csv_SRCS := syncd/sources/csv.c syncd/sources/csv_file.c syncd/sources/csv_row.c \
	syncd/sources/emit.c
rollcall-source-csv_LIBS := $(JANSSON_LIBS) -lcsv
rollcall-source-csv_DIR := libexec/rollcall/sources
