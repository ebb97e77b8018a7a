// SPDX-License-Identifier: BSD-2-Clause
// The module under test over a published company of 40. After cmocka.h.
#ifndef TESTS_NSS_COMPANY_H
#define TESTS_NSS_COMPANY_H

#include "tests/unit/nss_symbols.h"
#include "tests/unit/published.h"

#define PEOPLE 40u

static char build_folder[PATH_MAX];

static inline void publish(void)
{
    publish_people(PEOPLE, false);
}

// cmocka's setup of the group; scratch_leave is the teardown.
static inline int nss_setup(void **state)
{
    (void)state;
    load_module(build_folder);
    scratch_enter_state();
    publish();
    return 0;
}

#endif
