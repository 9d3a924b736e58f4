// SPDX-License-Identifier: Apache-2.0
#include "live_tree.hpp"

#include "markup.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace symphony::tracker {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t window_ns = 4 * second_ns;
constexpr std::size_t name_max = 24;

/// "0:07", "12:30", "1:02:03".
std::string clock_text(std::uint64_t ns) {
    const std::uint64_t seconds = ns / second_ns;
    char text[40];
    if (seconds < 3600) std::snprintf(text, sizeof text, "%llu:%02llu", static_cast<unsigned long long>(seconds / 60), static_cast<unsigned long long>(seconds % 60));
    else std::snprintf(text, sizeof text, "%llu:%02llu:%02llu", static_cast<unsigned long long>(seconds / 3600), static_cast<unsigned long long>(seconds / 60 % 60), static_cast<unsigned long long>(seconds % 60));
    return text;
}

std::string rate_text(double per_second) {
    char text[32];
    std::snprintf(text, sizeof text, per_second >= 10 ? "%.0f" : "%.2g", per_second);
    return text;
}

/// The end of a note such as "page.png (3/10)": how many of how many.
bool split_count(std::string_view note, std::string_view& rest, std::uint64_t& done, std::uint64_t& all) {
    const auto open = note.rfind('('), slash = note.rfind('/');
    if (!note.ends_with(')') || open == std::string_view::npos || slash == std::string_view::npos || slash < open) return false;
    const auto number = [](std::string_view text, std::uint64_t& to) {
        const auto read = std::from_chars(text.data(), text.data() + text.size(), to);
        return read.ec == std::errc() && read.ptr == text.data() + text.size();
    };
    if (!number(note.substr(open + 1, slash - open - 1), done) || !number(note.substr(slash + 1, note.size() - slash - 2), all) || all == 0) return false;
    rest = note.substr(0, open);
    while (rest.ends_with(' ')) rest.remove_suffix(1);
    return true;
}

std::string padded(std::string text, std::size_t wide) {
    const auto have = characters(text);
    if (have < wide) text.append(wide - have, ' ');
    return text;
}

} // namespace

void LiveTree::Rate::take(double so_far, std::uint64_t now_ns) {
    if (before_.at_ns == 0) before_ = latest_ = {now_ns, so_far};
    if (now_ns - latest_.at_ns < window_ns) return;
    before_ = latest_;
    latest_ = {now_ns, so_far};
}
double LiveTree::Rate::per_second(double so_far, std::uint64_t now_ns) const {
    if (before_.at_ns == 0 || now_ns <= before_.at_ns || now_ns - before_.at_ns < second_ns / 2) return 0;
    return std::max(0.0, (so_far - before_.so_far) * 1e9 / static_cast<double>(now_ns - before_.at_ns));
}

LiveTree::LiveTree(const Plan& plan, std::uint64_t now_ns) : plan_(plan), started_ns_(now_ns) { rate_.take(0, now_ns); }

void LiveTree::take(const RunEvent& event) {
    done_ = std::max(done_, event.done);
    rate_.take(done_, event.at_ns);
    if (event.node == no_id) return;
    if (event.state > NodeState::running) {
        if (event.state == NodeState::failed) ++failed_;
        under_way_.erase(event.node);
        return;
    }
    if (event.state != NodeState::running) return;  // it waits for its turn
    Step& step = under_way_[event.node];
    if (step.since_ns == 0) step.since_ns = event.at_ns;
    if (event.kind != RunEvent::Kind::progress) return;
    step.permille = std::max(step.permille, std::min<std::uint32_t>(event.permille, 1000));
    std::string_view rest = event.note;
    std::uint64_t done = 0, all = 0;
    if (split_count(event.note, rest, done, all)) {
        step.done = std::max(step.done, std::min(done, all));
        step.all = all;
        step.rate.take(static_cast<double>(step.done), event.at_ns);
    } else {
        step.rate.take(step.permille, event.at_ns);
    }
    step.note = one_line(cut(rest, 60));
}

std::uint32_t LiveTree::permille() const noexcept {
    const std::uint64_t steps = plan_.workflow.nodes.size();
    if (steps == 0) return 1000;
    std::uint64_t sum = std::uint64_t{done_} * 1000;
    for (const auto& [node, step] : under_way_) sum += step.permille;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(sum / steps, 1000));
}

std::string LiveTree::head(std::uint64_t now_ns) const {
    std::string text = std::to_string(done_) + "/" + std::to_string(plan_.workflow.nodes.size()) + " steps";
    if (failed_ > 0) text += ", " + std::to_string(failed_) + " failed";
    if (const double rate = rate_.per_second(done_, now_ns); rate >= 0.05) text += ", " + rate_text(rate) + "/s";
    return text + ", " + clock_text(now_ns > started_ns_ ? now_ns - started_ns_ : 0);
}

std::string LiveTree::line(Id node, const Step& step, std::uint64_t now_ns) const {
    const double so_far = step.all > 0 ? static_cast<double>(step.done) : static_cast<double>(step.permille);
    const double whole = step.all > 0 ? static_cast<double>(step.all) : 1000;
    const double rate = step.rate.per_second(so_far, now_ns);
    std::string text;
    const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
    if (step.all > 0) add(std::to_string(step.done) + "/" + std::to_string(step.all));
    else if (step.permille > 0) add(std::to_string(step.permille / 10) + "%");
    if (step.all > 0 && rate >= 0.05) add(rate_text(rate) + "/s");
    if (rate > 0 && so_far < whole && (whole - so_far) / rate < 1e6) add(clock_text(static_cast<std::uint64_t>((whole - so_far) / rate * 1e9)) + " left");
    else if (now_ns > step.since_ns + second_ns) add("for " + clock_text(now_ns - step.since_ns));
    if (!step.note.empty()) text += (text.empty() ? "" : "  ") + step.note;
    const Provider* provider = plan_.binding.providers[node];
    const std::string what = provider == nullptr ? std::string() : one_line(provider->name);
    return padded(cut(one_line(plan_.workflow.node_name(node)), name_max), 12) + " " + padded(cut(what, name_max), 8) + (text.empty() ? "" : "  " + text);
}

std::string LiveTree::text(std::uint64_t now_ns) const {
    std::string out = head(now_ns);
    std::vector<const std::pair<const Id, Step>*> rows;
    for (const auto& one : under_way_) rows.push_back(&one);
    // What has run longest stays where it is.
    std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) { return std::pair(a->second.since_ns, a->first) < std::pair(b->second.since_ns, b->first); });
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const bool more = i + 1 == rows_max && rows.size() > rows_max;
        const std::string row = more ? "and " + std::to_string(rows.size() - i) + " more" : line(rows[i]->first, rows[i]->second, now_ns);
        const bool last = more || i + 1 == rows.size();
        if (out.size() + row.size() + 8 > bytes_max) break;
        out += std::string(last ? "\n└ " : "\n├ ") + row;
        if (more) break;
    }
    return out;
}

} // namespace symphony::tracker
