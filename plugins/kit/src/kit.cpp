// SPDX-License-Identifier: Apache-2.0
#include "kit.hpp"

#include <symphony/utf8.hpp>

#include <charconv>

namespace symphony::kit {

Error usage(std::string message, std::string hint) { return {Code::invalid_argument, "usage", std::move(message), std::move(hint)}; }

std::string shown(std::string_view text) {
    std::string out(text.substr(0, 200));
    out.resize(valid_utf8_prefix(out));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return out;
}

std::vector<std::string> Typed::texts(std::string_view name) const {
    std::vector<std::string> out;
    const ValueView value = arguments[name];
    if (value.is_text()) out.emplace_back(value.as_text());
    if (value.is_list()) {
        for (const ValueView item : value.items()) out.emplace_back(item.as_text());
    }
    return out;
}

Result<std::uint64_t> Typed::number(std::string_view name, std::uint64_t otherwise, std::uint64_t low, std::uint64_t high) const {
    if (!given(name)) return otherwise;
    const std::string typed = text(name);
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(typed.data(), typed.data() + typed.size(), value);
    if (fault == std::errc() && end == typed.data() + typed.size() && value >= low && value <= high) return value;
    return usage("--" + std::string(name) + " " + shown(typed) + " is no number from " + std::to_string(low) + " to " + std::to_string(high), "give such a number, or leave the flag out");
}

void Typed::line(std::string_view text) const {
    if (!context.json) out(std::string(text) + "\n");
}

void Typed::answer(const Data& data) const {
    if (context.json) out(to_json(data) + "\n");
}

Result<std::int32_t> Kit::run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    constexpr struct {
        std::string_view name;
        Result<std::int32_t> (*run)(const Typed&);
    } commands[] = {{"new", &new_command},
                    {"test", &test_command},
                    {"conformance", &conformance_command},
                    {"dev", &dev_command},
                    {"pack", &pack_command},
                    {"sign", &sign_command},
                    {"publish", &publish_command},
                    {"key make", &key_make_command},
                    {"key show", &key_show_command},
                    {"registry create", &registry_create_command},
                    {"registry show", &registry_show_command},
                    {"registry sign", &registry_sign_command},
                    {"registry yank", &registry_yank_command},
                    {"registry advise", &registry_advise_command},
                    {"registry rotate", &registry_rotate_command}};
    for (const auto& one : commands) {
        if (one.name != command) continue;
        const About about = SYMPHONY_TRY(host_.about()); // isolated there is none, and nothing that the kit could start
        return one.run(Typed{call, arguments, context, about, host_});
    }
    return Error(Code::not_found, "unknown-command", "the kit has no command \"" + std::string(command) + "\"");
}

} // namespace symphony::kit
