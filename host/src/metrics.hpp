// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace symphony::host {

/// What plugins count, by "plugin.name". [any]
class Metrics {
public:
    /// Beyond this many names new ones are dropped: a plugin that makes names up must not fill the memory.
    static constexpr std::size_t names_max = 10'000;

    void count(std::string_view plugin, std::string_view name, std::uint64_t add);
    void gauge(std::string_view plugin, std::string_view name, double value);
    void observe(std::string_view plugin, std::string_view name, double value);
    /// Sorted lines "plugin.name value"; a histogram has .count, .sum, .min and .max.
    std::string text() const;

private:
    struct Series {
        enum class Kind : std::uint8_t { count, gauge, histogram } kind = Kind::count;
        std::uint64_t count = 0;
        double sum = 0, min = 0, max = 0;
    };
    Series* find(std::string_view plugin, std::string_view name, Series::Kind kind);

    mutable std::mutex mutex_;
    std::map<std::string, Series, std::less<>> series_;
};

} // namespace symphony::host
