// SPDX-License-Identifier: Apache-2.0
#include "metrics.hpp"

#include <algorithm>
#include <cstdio>

namespace symphony::host {

Metrics::Series* Metrics::find(std::string_view plugin, std::string_view name, Series::Kind kind) {
    std::string key(plugin);
    key.append(".").append(name.substr(0, 100));
    const auto at = series_.find(key);
    if (at != series_.end()) return at->second.kind == kind ? &at->second : nullptr;
    if (series_.size() >= names_max) return nullptr;
    Series& made = series_[std::move(key)];
    made.kind = kind;
    return &made;
}

void Metrics::count(std::string_view plugin, std::string_view name, std::uint64_t add) {
    const std::lock_guard lock(mutex_);
    if (Series* s = find(plugin, name, Series::Kind::count)) s->count += add;
}

void Metrics::gauge(std::string_view plugin, std::string_view name, double value) {
    const std::lock_guard lock(mutex_);
    if (Series* s = find(plugin, name, Series::Kind::gauge)) s->sum = value;
}

void Metrics::observe(std::string_view plugin, std::string_view name, double value) {
    const std::lock_guard lock(mutex_);
    Series* s = find(plugin, name, Series::Kind::histogram);
    if (s == nullptr) return;
    s->min = s->count == 0 ? value : std::min(s->min, value);
    s->max = s->count == 0 ? value : std::max(s->max, value);
    s->sum += value;
    ++s->count;
}

std::string Metrics::text() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    const auto line = [&out](const std::string& key, const char* part, double value) {
        char number[40];
        std::snprintf(number, sizeof number, "%.9g", value);
        out.append(key).append(part).append(" ").append(number).append("\n");
    };
    for (const auto& [key, s] : series_) {
        switch (s.kind) {
        case Series::Kind::count: out.append(key).append(" ").append(std::to_string(s.count)).append("\n"); break;
        case Series::Kind::gauge: line(key, "", s.sum); break;
        case Series::Kind::histogram:
            out.append(key).append(".count ").append(std::to_string(s.count)).append("\n");
            line(key, ".max", s.max);
            line(key, ".min", s.min);
            line(key, ".sum", s.sum);
            break;
        }
    }
    return out;
}

} // namespace symphony::host
