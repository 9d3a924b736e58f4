// SPDX-License-Identifier: Apache-2.0
#include "log.hpp"

#include <symphony/abi/services/log.h>
#include <symphony/shown.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>

namespace symphony::host {
namespace {

class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit WriterSink(Log::Writer writer) : writer_(std::move(writer)) {}

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        writer_({line.data(), line.size()});
    }
    void flush_() override {}
    Log::Writer writer_;
};

constexpr std::array levels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                            spdlog::level::err};

} // namespace

std::string printable(std::string_view text) {
    const auto clean = to_valid_utf8(text);
    std::string out;
    out.reserve(clean.size());
    for (std::string_view left = clean; !left.empty();) {
        const auto character = first_character(left);
        out += is_obeyed(character) ? " " : character;
        left.remove_prefix(character.size());
    }
    return out;
}

bool is_reason(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

struct Log::Impl {
    std::shared_ptr<spdlog::logger> logger;
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::Log(Log&&) noexcept = default;
Log::~Log() = default;

Result<Log> Log::create(std::string_view level, const std::string& file, Writer writer) {
    constexpr std::array<std::string_view, 6> names{"trace", "debug", "info", "warn", "error", "off"};
    const auto name = std::find(names.begin(), names.end(), level);
    if (name == names.end()) {
        return Error(Code::invalid_argument, "usage", "--log-level " + std::string(level) + ": there is no such level",
                     "use trace, debug, info, warn, error or off");
    }
    const auto threshold = level == "off" ? spdlog::level::off : levels[static_cast<std::size_t>(name - names.begin())];
    auto screen = std::make_shared<WriterSink>(std::move(writer));
    screen->set_pattern("%l: %v");
    screen->set_level(threshold);
    std::vector<spdlog::sink_ptr> sinks{screen};
    if (!file.empty()) {
        try {
            sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
        } catch (const spdlog::spdlog_ex& error) {
            return Error(Code::io, "log-file", "--log-file " + file + ": " + error.what());
        }
        sinks.back()->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
        sinks.back()->set_level(std::min(threshold, spdlog::level::info));
    }
    auto impl = std::make_unique<Impl>();
    impl->logger = std::make_shared<spdlog::logger>("symphony", sinks.begin(), sinks.end());
    impl->logger->set_level(spdlog::level::trace);
    impl->logger->flush_on(spdlog::level::info);
    return Log(std::move(impl));
}

void Log::write(std::uint32_t level, std::string_view who, std::string_view text) {
    const auto known = levels[std::min<std::size_t>(level, levels.size() - 1)];
    if (!impl_->logger->should_log(known)) return;
    const auto clean = printable(text);
    impl_->logger->log(known, who.empty() ? clean : std::string(who) + ": " + clean);
}

void Log::warn(std::string_view text) { write(SYMPHONY_LOG_WARN, {}, text); }

} // namespace symphony::host
