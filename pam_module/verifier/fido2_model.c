// SPDX-License-Identifier: BSD-2-Clause
// Models of security keys. Without libfido2: each login with a key asks for them.
#include <stdio.h>
#include <string.h>

#include "pam_module/verifier/fido2.h"

void fido2_model_text(const uint8_t aaguid[16], char ret[FIDO2_MODEL_TEXT])
{
    for (int i = 0; i < 16; i++)
        snprintf(ret + (ptrdiff_t)2 * i, 3, "%02x", aaguid[i]);
}

bool fido2_model_counts(const struct rollcall_list *models, const struct fido_key *key)
{
    char text[FIDO2_MODEL_TEXT];

    if (!models || models->n == 0)
        return true;
    fido2_model_text(key->aaguid, text);
    for (size_t i = 0; (key->flags & FIDO_FLAG_ATTESTED) && i < models->n; i++)
        if (strcmp(models->item[i], text) == 0)
            return true;
    return false;
}
