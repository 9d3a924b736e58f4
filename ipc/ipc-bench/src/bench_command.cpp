// SPDX-License-Identifier: Apache-2.0
#include "bench_command.hpp"

#include "bus_echo.hpp"
#include "descriptors.hpp"
#include "quantiles.hpp"
#include "raw_echo.hpp"
#include "sizes.hpp"
#include "transport_echo.hpp"

#include <symphony/envelope/json.hpp>
#include <symphony/utf8.hpp>

#include <array>
#include <cstdio>
#include <thread>

namespace symphony::ipc_bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds slice{4};
constexpr std::size_t times_max = 500'000, sizes_max = 16;
constexpr std::array<std::string_view, 4> known{"unix", "shm", "stdio", "bus"};

/// What was typed.
struct Plan {
    std::vector<std::string> what;
    bool named = false; ///< what is missing is an error
    std::vector<std::size_t> sizes;
    std::chrono::milliseconds longest{};
};

struct Contender {
    std::string name, beside; ///< beside: the name of what it is compared with, or empty
    EchoPtr echo;
    std::vector<double> times{}; ///< microseconds
};

struct Row {
    std::string name, beside;
    std::size_t bytes = 0, calls = 0;
    Quantiles us;
    double ratio = 0; ///< of the medians; 0: nothing is beside it
};

struct Rate {
    std::string name;
    double per_second = 0;
};

std::vector<std::string> texts(ValueView from) {
    std::vector<std::string> out;
    if (from.is_list()) {
        for (const ValueView item : from.items()) out.emplace_back(item.as_text());
    }
    return out;
}

Result<Plan> plan_of(const Value& arguments) {
    Plan out;
    out.what = texts(arguments["transport"]);
    out.named = !out.what.empty();
    for (const auto& one : out.what) {
        if (std::find(known.begin(), known.end(), one) == known.end()) {
            return Error(Code::invalid_argument, "usage", "--transport: \"" + to_valid_utf8(one.substr(0, 100)) + "\" cannot be measured", "choose of unix, shm, stdio and bus");
        }
    }
    if (out.what.empty()) out.what.assign(known.begin(), known.end());
    for (const auto& text : texts(arguments["size"])) out.sizes.push_back(SYMPHONY_TRY(size_of(text)));
    if (out.sizes.empty()) out.sizes = {64, 1024, 64 * 1024, 1 << 20};
    if (out.sizes.size() > sizes_max) return Error(Code::invalid_argument, "usage", "--size: " + std::to_string(out.sizes.size()) + " sizes, more than " + std::to_string(sizes_max));
    const auto seconds = arguments["seconds"].as_text();
    const std::uint64_t longest_s = SYMPHONY_TRY(number_of(seconds.empty() ? "8" : seconds, "--seconds", 1, 600));
    out.longest = std::chrono::seconds(longest_s);
    return out;
}

class Bench {
public:
    Bench(Ground& ground, const Typed& typed, const Plan& plan) : ground_(ground), typed_(typed), plan_(plan) {}

    Status run() {
        SYMPHONY_TRY(connect());
        const auto rates_take = rates_.empty() ? std::chrono::milliseconds(0) : std::min<std::chrono::milliseconds>(plan_.longest / 10, std::chrono::milliseconds(500));
        const auto share = (plan_.longest - rates_take * static_cast<int>(rates_.size())) / static_cast<int>(plan_.sizes.size());
        for (const auto& [name, rate] : rates_) {
            typed_.call.progress(0, "events of 64 B, " + name);
            const double per_second = SYMPHONY_TRY(rate(rates_take));
            rows_of_rates_.push_back({name, per_second});
        }
        for (std::size_t i = 0; i < plan_.sizes.size(); ++i) SYMPHONY_TRY(measure(i, share));
        return {};
    }
    const std::vector<Row>& rows() const noexcept { return rows_; }
    const std::vector<Rate>& rates() const noexcept { return rows_of_rates_; }

private:
    bool wanted(std::string_view what) const { return std::find(plan_.what.begin(), plan_.what.end(), what) != plan_.what.end(); }

    /// @return What went wrong where it was asked for by name; else it is told, and goes without.
    Status add(std::string name, std::string beside, Result<EchoPtr> made) {
        if (made) {
            contenders_.push_back({std::move(name), std::move(beside), *std::move(made)});
            return {};
        }
        if (plan_.named || made.error().code() == Code::cancelled) return std::move(made).error().in(name);
        typed_.print(ports::CommandStream::err, "note: " + name + " is not measured: " + made.error().message() + "\n");
        return {};
    }

    Status connect() {
        typed_.call.progress(0, "starting the processes at the other ends");
        if (wanted("unix") || wanted("shm") || wanted("bus")) SYMPHONY_TRY(add("raw socket", "", over_socket(ground_)));
        if (wanted("unix")) SYMPHONY_TRY(add("unix", "raw socket", over_transport(ground_, "unix")));
        if (wanted("shm")) SYMPHONY_TRY(add("shm", "raw socket", over_transport(ground_, "shm")));
        if (wanted("stdio")) {
            SYMPHONY_TRY(add("raw pipe", "", over_pipes(ground_)));
            SYMPHONY_TRY(add("stdio", "raw pipe", over_transport(ground_, "stdio")));
        }
        if (!wanted("bus")) return {};
        SYMPHONY_TRY(add_bus("bus", "in process", "", over_bus_here(ground_)));
        return add_bus("bus", "across", "raw socket", over_bus_elsewhere(ground_));
    }

    Status add_bus(const std::string& name, const std::string& where, const std::string& beside, Result<BusEchoes> made) {
        if (!made) return add(name + " " + where, "", std::move(made).error());
        SYMPHONY_TRY(add(name + " event, " + where, beside, std::move(made->event)));
        rates_.emplace_back(name + ", " + where, std::move(made->rate));
        return add(name + " request, " + where, beside, std::move(made->request));
    }

    /// Everybody takes turns of a slice; the first turn of each is not counted.
    Status measure(std::size_t index, std::chrono::milliseconds share) {
        const std::size_t bytes = plan_.sizes[index];
        const auto end = Clock::now() + share;
        for (int round = 0; round < 2 || Clock::now() < end; ++round) {
            for (auto& one : contenders_) {
                const auto part = std::clamp(1.0 - std::chrono::duration<double>(end - Clock::now()) / share, 0.0, 1.0);
                typed_.call.progress(static_cast<std::uint32_t>(1000.0 * (static_cast<double>(index) + part) / static_cast<double>(plan_.sizes.size())), text_of_size(bytes) + ", " + one.name);
                SYMPHONY_TRY(turn(one, bytes, round != 0));
            }
        }
        for (auto& one : contenders_) {
            const std::size_t calls = one.times.size();
            rows_.push_back({one.name, one.beside, bytes, calls, quantiles_of(one.times), 0});
            one.times.clear();
        }
        for (auto& row : rows_) {
            for (const auto& other : rows_) {
                if (row.bytes == bytes && other.bytes == bytes && other.name == row.beside && other.us.p50 > 0) row.ratio = row.us.p50 / other.us.p50;
            }
        }
        return {};
    }

    Status turn(Contender& one, std::size_t bytes, bool counts) const {
        const auto end = Clock::now() + slice;
        if (const auto warm = one.echo->call(bytes); !warm) return Error(warm.error()).in(one.name);
        for (auto before = Clock::now(); before < end;) {
            if (typed_.cancel.cancelled()) return Error(Code::cancelled, "cancelled");
            if (const auto status = one.echo->call(bytes); !status) return Error(status.error()).in(one.name);
            const auto after = Clock::now();
            if (counts && one.times.size() < times_max) one.times.push_back(std::chrono::duration<double, std::micro>(after - before).count());
            before = after;
        }
        return {};
    }

    Ground& ground_;
    const Typed& typed_;
    const Plan& plan_;
    std::vector<Contender> contenders_;
    std::vector<std::pair<std::string, std::function<Result<double>(std::chrono::nanoseconds)>>> rates_;
    std::vector<Row> rows_;
    std::vector<Rate> rows_of_rates_;
};

std::string cell(std::string text, int width) {
    const auto wanted = static_cast<std::size_t>(width < 0 ? -width : width);
    if (text.size() < wanted) text.insert(width < 0 ? text.size() : 0, wanted - text.size(), ' ');
    return text;
}

std::string number(double value, int decimals) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return text;
}

void print_table(const Typed& typed, const Bench& bench) {
    std::string out = cell("THERE AND BACK", -28) + cell("SIZE", 9) + cell("P50 US", 11) + cell("P99 US", 11) + cell("P99.9 US", 11) + cell("TRIPS", 9) + "  BESIDE\n";
    for (const auto& row : bench.rows()) {
        out += cell(row.name, -28) + cell(text_of_size(row.bytes), 9) + cell(number(row.us.p50, 1), 11) + cell(number(row.us.p99, 1), 11) + cell(number(row.us.p999, 1), 11) +
               cell(std::to_string(row.calls), 9) + (row.ratio > 0 ? "  " + number(row.ratio, 2) + "x " + row.beside : "") + "\n";
    }
    if (!bench.rates().empty()) out += "\n" + cell("EVENTS OF 64 B", -28) + cell("A SECOND", 13) + "\n";
    for (const auto& rate : bench.rates()) out += cell(rate.name, -28) + cell(number(rate.per_second, 0), 13) + "\n";
    typed.print(ports::CommandStream::out, out);
}

void print_json(const Typed& typed, const Bench& bench) {
    ValueBuilder out;
    out.map().add("cpus", std::thread::hardware_concurrency()).key("round_trips").list(bench.rows().size());
    for (const auto& row : bench.rows()) {
        out.map().add("name", row.name).add("bytes", row.bytes).add("trips", row.calls).add("p50_us", row.us.p50).add("p99_us", row.us.p99).add("p999_us", row.us.p999);
        if (row.ratio > 0) out.add("beside", row.beside).add("ratio", row.ratio);
        out.end();
    }
    out.end().key("rates").list(bench.rates().size());
    for (const auto& rate : bench.rates()) out.map().add("name", rate.name).add("events_per_second", rate.per_second).end();
    out.end().end();
    ipc::OutBuffer text;
    static_cast<void>(ipc::json::write_value(text, out.build()));
    text.append(std::string_view("\n"));
    typed.print(ports::CommandStream::out, text.text());
}

} // namespace

Result<std::int32_t> bench(Host host, const Typed& typed) {
    const Plan plan = SYMPHONY_TRY(plan_of(typed.arguments));
    const auto ground = SYMPHONY_TRY(Ground::make(host, typed.cancel));
    const NoSigpipe quiet;
    Bench bench(*ground, typed, plan);
    SYMPHONY_TRY(bench.run());
    if (bench.rows().empty()) return Error(Code::not_found, "nothing-to-measure", "none of the transports could be measured", "symphony list shows which plugins are there");
    if (typed.context.json) print_json(typed, bench);
    else print_table(typed, bench);
    return 0;
}

} // namespace symphony::ipc_bench
