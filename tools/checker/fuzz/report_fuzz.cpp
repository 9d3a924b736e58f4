// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <symphony/utf8.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// Any bytes: bounded texts of UTF-8; what was read, written again, reads the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace symphony::checker;
    Outcome first, second;
    const bool done = read_report({reinterpret_cast<const char*>(data), size}, first);
    std::string again;
    for (const Finding& one : first.findings) {
        for (const std::string* text : {&one.rule, &one.message, &one.hint}) {
            if (!symphony::is_valid_utf8(*text)) std::abort();
        }
        again += report_record(Told::finding, {one.rule, one.message, one.hint});
    }
    for (const std::string& why : first.not_tried) again += report_record(Told::not_tried, {why});
    if (done) again += report_record(Told::done, {});
    const bool whole = first.findings.size() + first.not_tried.size() < report_records_max;
    bool short_enough = true; // U+FFFD is longer than the byte that it stands for
    for (const Finding& one : first.findings) {
        for (const std::string* text : {&one.rule, &one.message, &one.hint}) short_enough = short_enough && text->size() <= report_text_bytes_max;
    }
    for (const std::string& why : first.not_tried) short_enough = short_enough && why.size() <= report_text_bytes_max;
    if (!whole || !short_enough) return 0;
    if (read_report(again, second) != done || second.findings != first.findings || second.not_tried != first.not_tried) std::abort();
    return 0;
}
