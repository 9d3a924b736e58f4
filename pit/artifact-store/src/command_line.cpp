// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include "json_text.hpp"
#include "service.hpp"
#include "words.hpp"

#include <symphony/manifests/units.hpp>

#include <charconv>

namespace symphony::store {
namespace {

constexpr std::uint64_t secret_bytes_max = 64 * 1024;

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

/// "2026-05-01".
std::optional<std::uint64_t> day_in(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto year = number_in(text.substr(0, 4)), month = number_in(text.substr(5, 2)), day = number_in(text.substr(8, 2));
    if (!year || !month || !day || *year < 1970) return std::nullopt;
    namespace ch = std::chrono;
    const ch::year_month_day date{ch::year(static_cast<int>(*year)), ch::month(static_cast<unsigned>(*month)), ch::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    return static_cast<std::uint64_t>(ch::duration_cast<ch::milliseconds>(ch::sys_days(date).time_since_epoch()).count());
}

} // namespace

Result<std::uint64_t> CommandLine::bytes(std::string_view name, std::uint64_t otherwise) const {
    if (!given(name)) return otherwise;
    if (const auto plain = number_in(text(name))) return *plain;
    const auto size = manifests::parse_size(text(name));
    if (!size) return usage("--" + std::string(name) + " " + shown(text(name)) + " is no size", "write it as 4096, 64KiB or 2GB");
    return *size;
}

Result<std::uint64_t> CommandLine::moment(std::string_view name, std::uint64_t otherwise) const {
    if (!given(name)) return otherwise;
    if (const auto day = day_in(text(name))) return *day;
    const auto ago = manifests::parse_duration(text(name));
    const std::uint64_t now = Clock().wall_ms();
    if (!ago || *ago > now) return usage("--" + std::string(name) + " " + shown(text(name)) + " is neither a day nor a time", "write it as 2026-05-01, or as 2d for two days ago");
    return now - *ago;
}

Status CommandLine::json_out(const Value& value) const {
    answer(SYMPHONY_TRY(json_of(value)));
    return {};
}

std::string CommandLine::bold(std::string_view text) const { return color() ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text); }
std::string CommandLine::faint(std::string_view text) const { return color() ? "\x1b[2m" + std::string(text) + "\x1b[0m" : std::string(text); }

std::string CommandLine::store_words() const { return given("store") ? " --store " + shown(text("store")) : std::string(); }

Result<std::optional<Secret>> CommandLine::secret_given(const std::string& prefix) const {
    const std::string phrase = text(prefix + "passphrase-file"), key = text(prefix + "key-file");
    if (!phrase.empty() && !key.empty()) return usage("--" + prefix + "passphrase-file and --" + prefix + "key-file together", "give one of them");
    if (phrase.empty() && key.empty()) return std::optional<Secret>();
    const std::string& path = phrase.empty() ? key : phrase;
    const auto content = SYMPHONY_TRY(host().files()).read_all("selected", path, secret_bytes_max);
    if (!content) return Error(content.error()).in("the secret's file " + shown(path));
    if (phrase.empty()) {
        if (content->size() < 32) return Error(Code::invalid_argument, "weak-key", shown(path) + ": a key file has 32 bytes or more, and this one has " + std::to_string(content->size()),
                                               "make one: head -c 32 /dev/urandom > FILE");
        return std::optional<Secret>(Secret::key_file(*content));
    }
    std::string_view line = content->text(); // editors end a line, and nobody types that end
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return Error(Code::invalid_argument, "weak-key", shown(path) + ": the passphrase is empty");
    return std::optional<Secret>(Secret::passphrase(line));
}

std::unique_ptr<Session> CommandLine::session_at(std::string path, SecretSource secret) const {
    return std::make_unique<Session>(host(), settings_of(host().config()), Place{"selected", std::move(path)}, std::move(secret), author(), author());
}

Session& CommandLine::session() {
    if (session_ != nullptr) return *session_;
    SecretSource secret = [this]() -> Result<std::optional<Secret>> {
        if (auto given = SYMPHONY_TRY(secret_given())) return std::optional<Secret>(*std::move(given));
        return configured_secret(host())();
    };
    const Settings settings = settings_of(host().config());
    if (given("store")) session_ = session_at(text("store"), std::move(secret));
    else session_ = std::make_unique<Session>(host(), settings, Place{"state", settings.path}, std::move(secret), author(), author());
    return *session_;
}

void CommandLine::tell_notices() {
    for (const Notice& notice : session().take_notices()) note(shown(notice.text) + " [" + notice.reason + "]");
}

Result<std::shared_ptr<Store>> CommandLine::reading() {
    auto store = session().reader();
    tell_notices();
    return store;
}

Result<std::shared_ptr<Store>> CommandLine::writing(bool make) {
    auto store = session().writer(patience_of(call(), session().settings()), make);
    tell_notices();
    return store;
}

ProgressFn CommandLine::telling(std::string_view what) const {
    return [this, name = std::string(what)](const Progress& now) {
        const bool known = now.total != 0;
        return progress(known ? now.done : 0, known ? now.total : 1, name + (now.stage.empty() ? "" : ": " + std::string(now.stage)));
    };
}

} // namespace symphony::store
