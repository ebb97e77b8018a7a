// SPDX-License-Identifier: BSD-2-Clause
// How strong is what was shown? Pure.
#include "pam_module/verifier/strength.h"

#include <string.h>

enum strength strength_of(unsigned proof)
{
    unsigned factors = !!(proof & (PROOF_KEY | PROOF_HARDWARE_KEY)) + !!(proof & PROOF_PASSWORD) +
                       !!(proof & PROOF_CODE) + !!(proof & (PROOF_FIDO2 | PROOF_FIDO2_UV));

    // These verified their user themselves: something one has and something one knows or is.
    if (proof & (PROOF_HARDWARE_KEY | PROOF_FIDO2_UV))
        return STRENGTH_PHISHING_RESISTANT;
    // A token without a PIN is bound to what it signs for, too; alone it is one factor.
    if (factors >= 2)
        return proof & PROOF_FIDO2 ? STRENGTH_PHISHING_RESISTANT : STRENGTH_MULTI;
    // A key or a password alone is what employees had before, and never enough.
    return proof & (PROOF_CODE | PROOF_FIDO2) ? STRENGTH_SINGLE : STRENGTH_NONE;
}

enum strength strength_named(const char *word)
{
    static const char *const names[] = {"", "single", "multi", "phishing-resistant"};

    for (int i = STRENGTH_SINGLE; word && i <= STRENGTH_PHISHING_RESISTANT; i++)
        if (strcmp(word, names[i]) == 0)
            return (enum strength)i;
    return STRENGTH_NONE;
}

enum strength strength_required(const struct rollcall_config *config, const char *service)
{
    const struct rollcall_service_config *s;
    enum strength said;

    if (!config)
        return STRENGTH_PHISHING_RESISTANT;
    s = rollcall_config_service(config, service);
    said = strength_named(s ? s->require : NULL);
    if (said != STRENGTH_NONE)
        return said;
    // Where people have a password it is asked for; who calls sudo has come in already.
    return config->first && strncmp(service, "sudo", 4) != 0 ? STRENGTH_MULTI : STRENGTH_SINGLE;
}
