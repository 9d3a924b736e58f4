// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A small kit for benchmarks: both sides of a comparison are sampled in turn, so that a drift of the
/// machine's speed meets both, and ratios are taken from pairs of neighbouring samples.
namespace symphony::bench {

inline double now_ns() {
    return static_cast<double>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

/// Keeps the compiler from dropping a value.
template <class T>
void keep(const T& value) {
    asm volatile("" : : "r,m"(value) : "memory");
}

/// A file's bytes by one read, as fast as the peer of a reader deserves; empty when it cannot be read.
inline std::string read_file(const std::string& path) {
    std::string bytes;
    if (std::FILE* file = std::fopen(path.c_str(), "rb"); file != nullptr) {
        std::fseek(file, 0, SEEK_END);
        bytes.resize(static_cast<std::size_t>(std::max(0L, std::ftell(file))));
        std::rewind(file);
        bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
        std::fclose(file);
    }
    return bytes;
}

/// Median, and the distance of the quartiles over it.
struct Spread {
    double median = 0, spread = 0;
};

inline Spread spread_of(std::vector<double> samples) {
    if (samples.empty()) return {};
    std::sort(samples.begin(), samples.end());
    const auto at = [&](double quantile) {
        return samples[std::min(samples.size() - 1, static_cast<std::size_t>(quantile * static_cast<double>(samples.size())))];
    };
    return {at(0.5), at(0.5) > 0 ? (at(0.75) - at(0.25)) / at(0.5) : 0};
}

/// Nanoseconds of one of `inner` calls of `body`.
template <class Body>
double time_ns(std::size_t inner, Body&& body) {
    const double start = now_ns();
    for (std::size_t i = 0; i < inner; ++i) body();
    return (now_ns() - start) / static_cast<double>(inner);
}

/// Collects figures and writes them as one JSON object: to the file after --output, or to stdout.
class Report {
public:
    Report(std::string name, int argc, char** argv) : name_(std::move(name)) {
        for (int i = 1; i + 1 < argc; ++i) {
            if (std::string_view(argv[i]) == "--output") output_ = argv[i + 1];
        }
    }
    Report(const Report&) = delete;
    Report& operator=(const Report&) = delete;
    ~Report() = default;

    /// One figure without a peer.
    void add(const std::string& figure, const std::string& unit, const std::vector<double>& samples, const std::string& goal = "") {
        rows_.push_back("{" + body(figure, unit, samples, goal) + "}");
    }
    /// A figure and its peer, sampled in turn: samples[i] and peer[i] are neighbours, the ratio is the median over the pairs.
    void add(const std::string& figure, const std::string& unit, const std::vector<double>& samples, const std::string& peer_name,
             const std::vector<double>& peer, const std::string& goal) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < std::min(samples.size(), peer.size()); ++i) ratios.push_back(samples[i] / peer[i]);
        rows_.push_back("{" + body(figure, unit, samples, goal) + ", \"peer\": \"" + peer_name + "\", \"peer_value\": " +
                        number(spread_of(peer).median) + ", \"ratio\": " + number(spread_of(ratios).median) + "}");
    }

    /// @return The exit status of the program.
    int write() const {
        std::FILE* out = output_.empty() ? stdout : std::fopen(output_.c_str(), "w");
        if (out == nullptr) {
            std::perror(output_.c_str());
            return 1;
        }
        std::fprintf(out, "{\"name\": \"%s\", \"rows\": [", name_.c_str());
        for (std::size_t i = 0; i < rows_.size(); ++i) std::fprintf(out, "%s\n  %s", i == 0 ? "" : ",", rows_[i].c_str());
        const bool good = std::fputs("\n]}\n", out) >= 0 && std::fflush(out) == 0;
        if (out != stdout) std::fclose(out);
        return good ? 0 : 1;
    }

private:
    static std::string number(double value) {
        char text[32];
        std::snprintf(text, sizeof text, "%.6g", value);
        return text;
    }
    static std::string body(const std::string& figure, const std::string& unit, const std::vector<double>& samples, const std::string& goal) {
        const Spread of = spread_of(samples);
        return "\"figure\": \"" + figure + "\", \"unit\": \"" + unit + "\", \"value\": " + number(of.median) + ", \"spread\": " +
               number(of.spread) + ", \"samples\": " + std::to_string(samples.size()) +
               (goal.empty() ? std::string() : ", \"goal\": \"" + goal + "\"");
    }
    std::string name_;
    std::string output_;
    std::vector<std::string> rows_;
};

} // namespace symphony::bench
