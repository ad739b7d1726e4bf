/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_options -- how the sanitizers work in every fuzz target.
 */
const char *__asan_default_options(void);

/* Millions of runs: what was freed is watched for a while, and does not fill the memory. */
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=16";
}
