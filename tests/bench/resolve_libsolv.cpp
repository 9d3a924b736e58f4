// SPDX-License-Identifier: Apache-2.0
#include "resolve_libsolv.hpp"

#include "bench.hpp"

#include <map>
#include <set>
#include <string>
#include <unordered_map>

// A member of libsolv's structs has a name that is a keyword of C++20.
#define requires requires_
extern "C" {
#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/repo.h>
#include <solv/solver.h>
#include <solv/transaction.h>
}
#undef requires

namespace symphony::bench {
namespace {

using packaging::IndexLine;

std::unordered_map<std::string, std::set<std::string>> ranges_of(const std::vector<std::vector<IndexLine>>& universe, const packaging::ResolveRequest& request) {
    std::unordered_map<std::string, std::set<std::string>> ranges;
    for (const auto& wanted : request.wanted) ranges[wanted.id].insert(wanted.range.text());
    for (const auto& lines : universe) {
        for (const auto& line : lines) {
            for (const auto& need : line.needs) ranges[need.id].insert(need.range);
        }
    }
    return ranges;
}

} // namespace

std::size_t solve_with_libsolv(const std::vector<std::vector<IndexLine>>& universe, const packaging::ResolveRequest& request, double& solve_ms) {
    Pool* pool = ::pool_create();
    ::pool_setarch(pool, "noarch");
    Repo* repo = ::repo_create(pool, "universe");
    const auto id = [&](const std::string& text) { return ::pool_str2id(pool, text.c_str(), 1); };
    const auto ranges = ranges_of(universe, request);
    for (const auto& lines : universe) {
        const auto own = ranges.find(lines[0].id);
        for (std::size_t i = 0; i < lines.size(); ++i) {
            Solvable* solvable = ::pool_id2solvable(pool, ::repo_add_solvable(repo));
            solvable->name = id(lines[i].id);
            solvable->evr = id(std::to_string(i + 1));
            solvable->arch = ARCH_NOARCH;
            solvable->provides = ::repo_addid_dep(repo, solvable->provides, ::pool_rel2id(pool, solvable->name, solvable->evr, REL_EQ, 1), 0);
            const auto version = *manifests::Version::parse(lines[i].version);
            for (const auto& range : own == ranges.end() ? std::set<std::string>() : own->second) {
                if (manifests::Range::parse(range)->contains(version)) solvable->provides = ::repo_addid_dep(repo, solvable->provides, id(lines[i].id + " " + range), 0);
            }
            for (const auto& need : lines[i].needs) solvable->requires_ = ::repo_addid_dep(repo, solvable->requires_, id(need.id + " " + need.range), 0);
        }
    }
    ::pool_createwhatprovides(pool);
    Queue job;
    ::queue_init(&job);
    for (const auto& wanted : request.wanted) ::queue_push2(&job, SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES, id(wanted.id + " " + wanted.range.text()));
    Solver* solver = ::solver_create(pool);
    std::size_t installed = 0;
    solve_ms = time_ns(1, [&] {
        if (::solver_solve(solver, &job) != 0) return;
        Transaction* transaction = ::solver_create_transaction(solver);
        installed = static_cast<std::size_t>(transaction->steps.count);
        ::transaction_free(transaction);
    }) / 1e6;
    ::solver_free(solver);
    ::queue_free(&job);
    ::pool_free(pool);
    return installed;
}

} // namespace symphony::bench
