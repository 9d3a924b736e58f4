// SPDX-License-Identifier: Apache-2.0
#include "journal_rows.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

namespace symphony::tracker {
namespace {

/// One context for each thread: making one costs more than a small sum.
class Hash {
public:
    Hash() {
        if (context() == nullptr || EVP_DigestInit_ex2(context(), EVP_sha256(), nullptr) != 1) throw std::runtime_error("SHA-256 is not available");
    }
    void add(Bytes part) {
        std::array<std::uint8_t, 8> size{};
        for (std::size_t i = 0; i < size.size(); ++i) size[i] = static_cast<std::uint8_t>(std::uint64_t{part.size()} >> (8 * i));
        EVP_DigestUpdate(context(), size.data(), size.size());
        EVP_DigestUpdate(context(), part.data(), part.size());
    }
    std::array<std::uint8_t, 16> half() {
        std::array<std::uint8_t, 32> all{};
        EVP_DigestFinal_ex(context(), all.data(), nullptr);
        std::array<std::uint8_t, 16> out{};
        std::copy_n(all.begin(), out.size(), out.begin());
        return out;
    }

private:
    static EVP_MD_CTX* context() {
        thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> own(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
        return own.get();
    }
};

std::uint32_t u32(ValueView value) noexcept { return static_cast<std::uint32_t>(std::min<std::uint64_t>(value.as_uint(), ~std::uint32_t{0})); }

void put(ValueBuilder& out, const Problem& problem) {
    const Error& error = problem.error;
    out.list(6).text(problem.path).integer(static_cast<std::int64_t>(error.code())).text(error.reason())
        .text(error.message()).text(error.hint()).boolean(error.retryable()).end();
}
Problem problem_of(ValueView from) {
    Error error(static_cast<Code>(from.at(1).as_int(static_cast<std::int64_t>(Code::internal))), from.at(2).as_text(), std::string(from.at(3).as_text()),
                std::string(from.at(4).as_text()));
    return {no_id, std::string(from.at(0).as_text()), from.at(5).as_bool() ? std::move(error).as_retryable() : std::move(error)};
}

} // namespace

Value encode(const StepBody& body) {
    ValueBuilder out;
    const bool ended = body.kind == StepBody::Kind::ended;
    const bool closing = body.kind == StepBody::Kind::closing;
    out.list(ended ? 12 : closing ? 5 : 4).unsigned_integer(static_cast<std::uint64_t>(body.kind)).text(body.node).unsigned_integer(body.element).integer(body.at_ms);
    if (ended) {
        const StepEnd& end = body.end;
        out.unsigned_integer(static_cast<std::uint64_t>(end.state)).boolean(end.bare).unsigned_integer(end.calls).unsigned_integer(end.attempts).unsigned_integer(end.took_ns);
        out.list(end.problems.size());
        for (const Problem& problem : end.problems) put(out, problem);
        out.end().boolean(end.by_fallback).boolean(end.closing);
    }
    if (closing) out.boolean(body.undoes);
    return out.end().build();
}

bool decode(Bytes bytes, StepBody& out) {
    const auto checked = Value::checked(Buffer::copy(bytes));
    if (!checked || !checked->is_list() || checked->size() < 4) return false;
    const ValueView list = *checked;
    const std::uint64_t kind = list.at(0).as_uint();
    if (kind < 1 || kind > 4 || !list.at(1).is_text()) return false;
    out.kind = static_cast<StepBody::Kind>(kind);
    out.node = list.at(1).as_text();
    out.element = u32(list.at(2));
    out.at_ms = list.at(3).as_int();
    if (out.kind == StepBody::Kind::closing) {
        out.undoes = list.at(4).as_bool();
        return out.element <= static_cast<std::uint32_t>(RunResult::State::cancelled);
    }
    if (out.kind != StepBody::Kind::ended) return true;
    const std::uint64_t state = list.at(4).as_uint();
    if (list.size() < 10 || state < static_cast<std::uint64_t>(NodeState::pending) || state > static_cast<std::uint64_t>(NodeState::upstream_failed)) return false;
    out.end.state = static_cast<NodeState>(state);
    out.end.bare = list.at(5).as_bool();
    out.end.calls = u32(list.at(6));
    out.end.attempts = u32(list.at(7));
    out.end.took_ns = list.at(8).as_uint();
    for (const ValueView problem : list.at(9).items()) out.end.problems.push_back(problem_of(problem));
    out.end.by_fallback = list.at(10).as_bool();
    out.end.closing = list.at(11).as_bool();
    return true;
}

Value encode(const RunRow& row) {
    ValueBuilder out;
    out.list(6).text(row.workflow).text(row.version).text(row.path).unsigned_integer(row.steps)
        .unsigned_integer(static_cast<std::uint64_t>(row.durability)).integer(row.created_ms);
    return out.end().build();
}

bool decode(Bytes bytes, RunRow& out) {
    const auto checked = Value::checked(Buffer::copy(bytes));
    if (!checked || !checked->is_list() || checked->size() < 6) return false;
    const ValueView list = *checked;
    const std::uint64_t durability = list.at(4).as_uint();
    if (durability < 1 || durability > 3) return false;
    out = {std::string(list.at(0).as_text()), std::string(list.at(1).as_text()), std::string(list.at(2).as_text()), u32(list.at(3)),
           static_cast<Durability>(durability), list.at(5).as_int()};
    return true;
}

Value encode_given(const NewRun& run) {
    ValueBuilder out;
    out.list(4).bytes(bytes_of(run.source)).value(run.inputs.view()).value(run.options.view()).value(run.plugins.view());
    return out.end().build();
}

Status decode(Bytes head, Bytes given, NewRun& out) {
    RunRow row;
    const auto checked = Value::checked(Buffer::copy(given));
    if (!decode(head, row) || !checked || !checked->is_list() || checked->size() < 4) {
        return Error(Code::data_corrupt, "journal-corrupt", "the record of a run makes no sense");
    }
    const ValueView list = *checked;
    out.workflow = row.workflow;
    out.version = row.version;
    out.path = row.path;
    out.steps = row.steps;
    out.durability = row.durability;
    out.source = std::string(text_of(list.at(0).as_bytes()));
    out.inputs = Value::copy(list.at(1));
    out.options = Value::copy(list.at(2));
    out.plugins = Value::copy(list.at(3));
    return {};
}

std::size_t last_closing(const std::vector<StepBody>& steps) noexcept {
    for (std::size_t i = steps.size(); i-- > 0;) {
        if (steps[i].kind == StepBody::Kind::closing) return i;
    }
    return steps.size();
}

bool is_kept(NodeState state) noexcept { return state == NodeState::completed || state == NodeState::skipped; }

std::vector<StepRow> rows_of(const std::vector<StepBody>& steps, const std::vector<std::uint64_t>& output_bytes) {
    std::vector<StepRow> rows;
    std::unordered_map<std::string_view, std::size_t> at;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const StepBody& body = steps[i];
        if (body.kind == StepBody::Kind::closing) continue;
        const auto [found, fresh] = at.try_emplace(body.node, rows.size());
        if (fresh) rows.push_back({body.node, NodeState::running, 0, 0, 0, 0, 0, {}});
        StepRow& row = rows[found->second];
        if (body.kind != StepBody::Kind::ended) {
            if (row.state != NodeState::completed) row.state = NodeState::running;
            continue;
        }
        row.state = body.end.state;
        row.calls = body.end.calls;
        row.attempts = body.end.attempts;
        row.ended_ms = body.at_ms;
        row.took_ns = body.end.took_ns;
        row.output_bytes = output_bytes[i];
        row.problems = body.end.problems;
    }
    return rows;
}

bool operator!=(const Sum& a, Bytes b) noexcept { return !std::equal(a.bytes_.begin(), a.bytes_.end(), b.begin(), b.end()); }

Sum sum_of(std::string_view id, Bytes head, Bytes given) {
    Hash hash;
    hash.add(bytes_of(id));
    hash.add(head);
    hash.add(given);
    Sum sum;
    sum.bytes_ = hash.half();
    return sum;
}

Sum sum_of(std::int64_t key, std::int64_t part, Bytes body, Bytes output) {
    Hash hash;
    std::array<std::uint8_t, 16> numbers{};
    for (std::size_t i = 0; i < 8; ++i) {
        numbers[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(key) >> (8 * i));
        numbers[8 + i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(part) >> (8 * i));
    }
    hash.add(numbers);
    hash.add(body);
    hash.add(output);
    Sum sum;
    sum.bytes_ = hash.half();
    return sum;
}

} // namespace symphony::tracker
