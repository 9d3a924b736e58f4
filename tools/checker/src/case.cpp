// SPDX-License-Identifier: Apache-2.0
#include "case.hpp"

#include <algorithm>
#include <cstring>
#include <unistd.h>

namespace symphony::checker {
namespace {

constexpr CaseEntry all[] = {
    {"loads", "loads", true, &check_loads},
    {"life", "life", true, &check_life},
    {"answers", "answers", true, &check_answers},
    {"stops", "quiesce-honest", true, &check_stops},
    {"unknown-ids", "unknown-ids", false, &check_unknown_ids},
    {"cancel", "ends-after-cancel", false, &check_cancel},
    {"late-cancel", "late-cancel", false, &check_late_cancel},
    {"borrowed-buffers", "borrowed-buffers", false, &check_borrowed_buffers},
    {"struct-size-newer", "struct-size-newer", false, &check_newer_host},
    {"struct-size-older", "struct-size-older", false, &check_older_host},
    {"malformed-records", "malformed-records", false, &check_malformed_records},
    {"input-fuzz", "input-fuzz", false, &check_input_fuzz},
    {"grants-withheld", "grants-withheld", false, &check_grants},
    {"config-inside", "config-inside", false, &check_config_inside},
    {"config-outside", "config-outside", false, &check_config_outside},
    {"thread-contract", "thread-contract", false, &check_threads},
    {"pure", "pure", false, &check_pure},
    {"state", "state-round-trip", false, &check_state},
    {"state-garbage", "state-garbage", false, &check_state_garbage},
    {"reload", "reload", false, &check_reload},
    {"process-untouched", "process-untouched", false, &check_process},
    {"exit-handlers", "exit-handlers", false, &check_exit_handlers},
    {"placement", "placement-equivalence", false, &check_placement},
};

} // namespace

std::span<const CaseEntry> cases() noexcept { return all; }

void Case::step(std::string_view what) noexcept {
    const std::size_t size = std::min(what.size(), step_bytes - 1);
    std::memcpy(step_, what.data(), size);
    step_[size] = '\0';
}

void Case::find(std::string_view rule, std::string message, std::string hint) {
    {
        const std::lock_guard lock(mutex_);
        constexpr std::size_t told_max = 20;
        if (told_.size() >= told_max || !told_.insert(std::string(rule) + message).second) return;
    }
    send(Told::finding, {rule, message, hint});
}

void Case::send(Told kind, std::initializer_list<std::string_view> texts) {
    const std::string record = report_record(kind, texts);
    const std::lock_guard lock(mutex_);
    for (std::size_t at = 0; at < record.size();) { // a pipe whose reader is gone ends us
        const ssize_t n = ::write(report_, record.data() + at, record.size() - at);
        if (n > 0) at += static_cast<std::size_t>(n);
        else if (errno != EINTR) return;
    }
}

} // namespace symphony::checker
