/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32c -- the checksum of everything on wire and disk (Castagnoli polynomial, RFC 3720 B.4).
 */
#ifndef CC_BASE_CRC32C_H
#define CC_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to begin) over `size` bytes. */
uint32_t cc_crc32c(uint32_t crc, const void *data, size_t size);

#endif /* CC_BASE_CRC32C_H */
