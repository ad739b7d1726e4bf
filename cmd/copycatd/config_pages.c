/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_pages -- a tool of the build: prints what is made from the table of properties.
 *
 * usage: copycatd-pages page|example
 */
#include "copycatd/config_print.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "page") == 0) {
        copycatd_print_page(stdout);
    } else if (argc == 2 && strcmp(argv[1], "example") == 0) {
        copycatd_print_example(stdout);
    } else {
        fputs("usage: copycatd-pages page|example\n", stderr);
        return 2;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
