/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"
const struct promise uv_promises[] = {{NULL, NULL}};
