// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
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

/// Median, 10th and 90th percentile.
struct Spread {
    double median = 0, low = 0, high = 0;
};

inline Spread spread_of(std::vector<double> samples) {
    if (samples.empty()) return {};
    std::sort(samples.begin(), samples.end());
    const auto at = [&](double quantile) {
        return samples[std::min(samples.size() - 1, static_cast<std::size_t>(quantile * static_cast<double>(samples.size())))];
    };
    return {at(0.5), at(0.1), at(0.9)};
}

/// Nanoseconds of one of `inner` calls of `body`.
template <class Body>
double time_ns(std::size_t inner, Body&& body) {
    const double start = now_ns();
    for (std::size_t i = 0; i < inner; ++i) body();
    return (now_ns() - start) / static_cast<double>(inner);
}

/// Collects figures and prints them as one JSON object on stdout.
class Report {
public:
    explicit Report(std::string name) : name_(std::move(name)) {}
    Report(const Report&) = delete;
    Report& operator=(const Report&) = delete;
    ~Report() {
        std::printf("{\"bench\": \"%s\", \"figures\": [", name_.c_str());
        for (std::size_t i = 0; i < rows_.size(); ++i) std::printf("%s\n  %s", i == 0 ? "" : ",", rows_[i].c_str());
        std::printf("\n]}\n");
    }

    /// One figure without a peer.
    void add(const std::string& figure, const std::string& unit, const std::vector<double>& samples, const std::string& goal = "") {
        rows_.push_back("{" + body(figure, unit, spread_of(samples), samples.size(), goal) + "}");
    }
    /// A figure and its peer, sampled in turn: samples[i] and peer[i] are neighbours.
    void add(const std::string& figure, const std::string& unit, const std::vector<double>& samples, const std::string& peer_name,
             const std::vector<double>& peer, const std::string& goal) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < std::min(samples.size(), peer.size()); ++i) ratios.push_back(samples[i] / peer[i]);
        const Spread theirs = spread_of(peer);
        const Spread ratio = spread_of(ratios);
        rows_.push_back("{" + body(figure, unit, spread_of(samples), samples.size(), goal) + ", \"peer\": \"" + peer_name +
                        "\", \"peer_value\": " + number(theirs.median) + ", \"ratio\": " + number(ratio.median) +
                        ", \"ratio_low\": " + number(ratio.low) + ", \"ratio_high\": " + number(ratio.high) + "}");
    }

private:
    static std::string number(double value) {
        char text[32];
        std::snprintf(text, sizeof text, "%.6g", value);
        return text;
    }
    static std::string body(const std::string& figure, const std::string& unit, Spread spread, std::size_t samples, const std::string& goal) {
        return "\"figure\": \"" + figure + "\", \"unit\": \"" + unit + "\", \"value\": " + number(spread.median) + ", \"low\": " +
               number(spread.low) + ", \"high\": " + number(spread.high) + ", \"samples\": " + std::to_string(samples) +
               (goal.empty() ? std::string() : ", \"goal\": \"" + goal + "\"");
    }
    std::string name_;
    std::vector<std::string> rows_;
};

} // namespace symphony::bench
