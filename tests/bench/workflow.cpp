// SPDX-License-Identifier: Apache-2.0
// Workflows of 1,000 nodes written and read in each format, and of 10,000 and 1,000,000 nodes checked.
#include "workflow.hpp"

int main(int argc, char** argv) {
    symphony::bench::Report report("workflow", argc, argv);
    symphony::bench::measure_formats(report);
    symphony::bench::measure_checks(report);
    return report.write();
}
