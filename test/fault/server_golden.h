/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_golden -- the life of a server whose directory, journal and images, is kept in
 * test/golden; and a server that begins with such a directory.
 *
 * A directory was written once, by make_golden_server.  It is never written again: what a released
 * version has left on disks has to be read by those that come after it.
 */
#ifndef CC_TEST_FAULT_SERVER_GOLDEN_H
#define CC_TEST_FAULT_SERVER_GOLDEN_H

#include "fault/solo.h"

#define SERVER_GOLDEN_PUTS 60u

/* Lives it on a disk that is empty, and closes in good order; false, with a verdict, if not. */
bool server_golden_live(struct solo *solo);

/* Of a fresh world on a disk that has the directory: it serves, and every key is what was put. */
bool server_golden_reads(struct solo *solo);

#endif /* CC_TEST_FAULT_SERVER_GOLDEN_H */
