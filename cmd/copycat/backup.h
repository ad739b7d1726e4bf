/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup -- a backup is made, verified, restored; docs/backup.md.
 */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include "arguments.h"

int cli_backup(const struct cli_arguments *arguments);
int cli_verify(const struct cli_arguments *arguments);
int cli_restore(const struct cli_arguments *arguments);

#endif /* CLI_BACKUP_H */
