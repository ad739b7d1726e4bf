/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/config_print.h"

#include <string.h>

#define ACCEPTS_SIZE 128u

static const char *default_of(const struct copycatd_property *property)
{
    return property->initial != NULL ? property->initial : property->derived;
}

static const char *placeholder(const struct copycatd_property *property)
{
    switch (property->type) {
    case COPYCATD_TYPE_PATH:
        return " PATH";
    case COPYCATD_TYPE_ADDRESS:
        return " ADDRESS";
    case COPYCATD_TYPE_MEMBERS:
        return " LIST";
    case COPYCATD_TYPE_SIZE:
        return " SIZE";
    case COPYCATD_TYPE_DURATION:
        return " TIME";
    case COPYCATD_TYPE_CHOICE:
        return " WORD";
    case COPYCATD_TYPE_UINT:
        return " NUMBER";
    case COPYCATD_TYPE_BOOL:
        break;
    }
    return "";
}

void copycatd_print_help(FILE *out)
{
    fputs(
        "usage: copycatd [--NAME VALUE]...\n"
        "\n"
        "One server of a Copycat cluster: strongly consistent state, kept by a few machines\n"
        "together.  Without any flag it is a cluster of one on this machine.\n"
        "\n",
        out);
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const struct copycatd_property *property = &copycatd_properties[id];
        char accepts[ACCEPTS_SIZE];
        char variable[COPYCATD_VARIABLE_SIZE];

        copycatd_property_accepts(property, accepts, sizeof accepts);
        copycatd_property_variable(property, variable);
        fprintf(
            out, "  --%s%s\n      %s\n      accepts: %s\n      default: %s; variable: %s\n",
            property->name, placeholder(property), property->help, accepts, default_of(property),
            variable);
    }
    fputs(
        "\n"
        "  --check-config   say what is wrong with the configuration, or ok, and stop\n"
        "  --show-config    print every value and where it comes from, and stop\n"
        "  --version        print the version, and stop\n"
        "  --help           print this, and stop\n"
        "\n"
        "A flag overrides its variable, a variable the file, the file the default.\n",
        out);
}

void copycatd_print_values(const struct copycatd_values *values, FILE *out)
{
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const struct copycatd_value *value = &values->of[id];
        int width = fprintf(out, "%s = %s", copycatd_properties[id].name, value->text);

        fprintf(
            out, "%*s   (from: %s)\n", width < 40 ? 40 - width : 0, "",
            value->origin == COPYCATD_FROM_NOWHERE ? "default, none" : value->from);
    }
}

static void print_row(const struct copycatd_property *property, FILE *out)
{
    char accepts[ACCEPTS_SIZE];
    char variable[COPYCATD_VARIABLE_SIZE];

    copycatd_property_accepts(property, accepts, sizeof accepts);
    copycatd_property_variable(property, variable);
    fprintf(
        out,
        "\n### %s\n\n%c%s.\n\n| flag | variable | file | accepts | default "
        "|\n|---|---|---|---|---|\n",
        property->name, property->help[0] - 'a' + 'A', property->help + 1);
    fprintf(out, "| `--%s%s` | `%s` | ", property->name, placeholder(property), variable);
    if (property->not_in_file) {
        fputs("-", out);
    } else {
        fprintf(out, "`%s`", property->name);
    }
    fprintf(out, " | %s | %s |\n", accepts, default_of(property));
}

/* Calls `print` for each section's heading and properties, in the order of the table. */
static void each_section(
    FILE *out,
    void (*heading)(const char *section, FILE *out),
    void (*row)(const struct copycatd_property *property, FILE *out))
{
    const char *section = NULL;

    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const struct copycatd_property *property = &copycatd_properties[id];

        if (property->not_in_file) {
            continue;
        }
        if (section == NULL || strcmp(section, property->section) != 0) {
            section = property->section;
            heading(section, out);
        }
        row(property, out);
    }
}

static void page_heading(const char *section, FILE *out)
{
    fprintf(out, "\n## [%s]\n", section);
}

void copycatd_print_page(FILE *out)
{
    fputs(
        "# Configuration of copycatd\n"
        "\n"
        "This page is made from the table in `cmd/copycatd/property.c`, as `copycatd --help` is.\n"
        "\n"
        "Everything can be said in three places.  A flag overrides the variable, the variable "
        "overrides\n"
        "the file, the file overrides the default; each property on its own.  Where a flag is "
        "given twice,\n"
        "the last one counts.  An empty variable counts as none.\n"
        "\n"
        "* `copycatd --check-config` prints `ok`, or everything that is wrong, and leaves with 0 "
        "or 2.\n"
        "  It looks whether data-dir could be used or made, and makes nothing.\n"
        "* `copycatd --show-config` prints every value and where it comes from.\n"
        "\n"
        "A time is a whole number and one of `ms`, `s`, `m`, `h`; a size is a whole number "
        "and one of\n"
        "`B`, `KiB`, `MiB`, `GiB` (powers of 1024), `KB`, `MB`, `GB` (powers of 1000).  A bare "
        "number is\n"
        "refused, because it hides its unit.  Yes and no are `true` and `false` (or yes and no, on "
        "and off,\n1 and 0); a flag alone is true.\n"
        "\n"
        "The file has lines `key = value`.  Comments begin with `#` or `;`.  The headings are "
        "optional, but\n"
        "a key may not stand under another one's heading, and no key may be there twice.  A list "
        "of members\n"
        "may go on in indented lines, and a value may stand in quotation marks.  There is no file "
        "by\n"
        "default; `--config` names one.\n"
        "`packaging/copycatd.conf` is an example with all keys.\n"
        "\n"
        "There is no TLS yet, so a server refuses to listen where other machines can reach it "
        "unless it is\n"
        "told `--insecure`.  Staying on this machine are 127.0.0.0/8, [::1], localhost and unix:.\n"
        "\n"
        "Membership cannot change yet.  A directory belongs to the cluster that was founded with "
        "it, and a\n"
        "start with other ids or roles in `members` is refused, with 2.  Addresses may move: stop, "
        "and start\n"
        "every server with the new list; until all have it, some look for others where they no "
        "longer are.\n"
        "Who answers there is known by what stands in its directory, not by its address.\n"
        "\n"
        "## Only as flag or variable\n",
        out);
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        if (copycatd_properties[id].not_in_file) {
            print_row(&copycatd_properties[id], out);
        }
    }
    each_section(out, page_heading, print_row);
}

static void example_heading(const char *section, FILE *out)
{
    fprintf(out, "\n[%s]\n", section);
}

static void example_row(const struct copycatd_property *property, FILE *out)
{
    char accepts[ACCEPTS_SIZE];

    copycatd_property_accepts(property, accepts, sizeof accepts);
    fprintf(out, "\n# %s\n# accepts: %s\n", property->help, accepts);
    if (property->initial == NULL) {
        fprintf(out, "# default: %s\n", property->derived);
    }
    fprintf(
        out, "#%s = %s\n", property->name,
        property->initial != NULL ? property->initial : property->sample);
}

void copycatd_print_example(FILE *out)
{
    fputs(
        "# Example configuration of copycatd: all keys, commented out.\n"
        "# Flags and COPYCAT_* variables override what stands here; copycatd --show-config tells\n"
        "# where each value comes from, copycatd --check-config whether all is well.\n",
        out);
    each_section(out, example_heading, example_row);
}
