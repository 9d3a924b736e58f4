// SPDX-License-Identifier: Apache-2.0
#include "bit_flips.hpp"

#include <algorithm>
#include <random>

namespace symphony::test_support {

std::string Flip::text() const { return "bit " + std::to_string(bit) + " of byte " + std::to_string(offset) + " of " + path; }

std::string FlipReport::text() const {
    std::string out = std::to_string(flips) + " flips in " + std::to_string(bytes) + " bytes, seed " + std::to_string(seed);
    for (const std::string& failure : failures) out += "\n  " + failure;
    return out;
}

FlipReport try_bit_flips(const MemoryFolder& begin, const FlipOptions& options, const std::function<std::string(MemoryFolder&, const Flip&)>& check) {
    FlipReport report;
    report.seed = options.seed;
    std::mt19937_64 random(options.seed);
    std::vector<Flip> flips;
    for (const std::string& path : begin.paths()) {
        if (options.wants && !options.wants(path)) continue;
        const std::uint64_t size = begin.node(path)->size();
        for (std::uint64_t offset = 0; offset < size; ++offset) flips.push_back({path, offset, static_cast<unsigned>(random() % 8)});
    }
    report.bytes = flips.size();
    if (options.flips_max != 0 && options.flips_max < flips.size()) {
        std::shuffle(flips.begin(), flips.end(), random);
        flips.resize(options.flips_max);
    }
    for (const Flip& flip : flips) {
        if (report.failures.size() >= options.failures_max) break;
        MemoryFolder damaged(begin);
        std::uint8_t byte = 0;
        const auto node = damaged.node(flip.path);
        node->read(flip.offset, {&byte, 1});
        byte = static_cast<std::uint8_t>(byte ^ (1u << flip.bit));
        node->write(flip.offset, {&byte, 1});
        const std::string problem = check(damaged, flip);
        if (!problem.empty()) report.failures.push_back(flip.text() + ": " + problem);
        ++report.flips;
    }
    return report;
}

} // namespace symphony::test_support
