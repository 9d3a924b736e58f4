// SPDX-License-Identifier: Apache-2.0
// libsolv judges the same universe. It compares no versions: SemVer 2.0.0 is none of its orders. Each range becomes a name that the releases in it
// provide, so that only its solver is asked.
#include "universe.hpp"

#include <map>
#include <set>

// A member of libsolv's structs has a name that is a keyword of C++20.
#define requires requires_
extern "C" {
#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/repo.h>
#include <solv/solver.h>
}
#undef requires

namespace symphony::packaging::test {
namespace {

class Asked {
public:
    explicit Asked(const Universe& universe) : universe_(universe), pool_(::pool_create()) {
        ::pool_setarch(pool_, "noarch");
        repo_ = ::repo_create(pool_, "universe");
    }
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;
    ~Asked() { ::pool_free(pool_); }

    bool fits() {
        name_ranges();
        for (const auto& package : universe_.packages) {
            for (std::size_t i = 0; i < package.releases.size(); ++i) {
                if (!package.releases[i].barred && !package.releases[i].yanked) add(package, i);
            }
        }
        ::pool_createwhatprovides(pool_);
        Queue job;
        ::queue_init(&job);
        for (const auto& need : universe_.wanted) ::queue_push2(&job, SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES, id("in " + need.id + " " + need.range));
        Solver* solver = ::solver_create(pool_);
        const bool good = ::solver_solve(solver, &job) == 0;
        ::solver_free(solver);
        ::queue_free(&job);
        return good;
    }

private:
    Id id(const std::string& text) { return ::pool_str2id(pool_, text.c_str(), 1); }

    void name_ranges() {
        const auto name = [this](const Universe::Need& need) { ranges_[need.id].insert(need.range); };
        for (const auto& need : universe_.wanted) name(need);
        for (const auto& package : universe_.packages) {
            for (const auto& release : package.releases) {
                for (const auto& need : release.needs) name(need);
            }
        }
    }

    void add(const Universe::Package& package, std::size_t number) {
        const auto& release = package.releases[number];
        Solvable* solvable = ::pool_id2solvable(pool_, ::repo_add_solvable(repo_));
        solvable->name = id(package.id);
        solvable->evr = id(std::to_string(number + 1));
        solvable->arch = ARCH_NOARCH;
        const auto provide = [&](const std::string& text) { solvable->provides = ::repo_addid_dep(repo_, solvable->provides, id(text), 0); };
        // Its own name, as packages do: by it libsolv knows that only one version of a name is installed.
        solvable->provides = ::repo_addid_dep(repo_, solvable->provides, ::pool_rel2id(pool_, solvable->name, solvable->evr, REL_EQ, 1), 0);
        for (const auto& range : ranges_[package.id]) provide((in_range(range, release.version) ? "in " : "out ") + package.id + " " + range);
        for (const auto& need : release.needs) {
            if (need.optional) {
                solvable->conflicts = ::repo_addid_dep(repo_, solvable->conflicts, id("out " + need.id + " " + need.range), 0);
            } else {
                solvable->requires_ = ::repo_addid_dep(repo_, solvable->requires_, id("in " + need.id + " " + need.range), 0);
            }
        }
        if (release.offer.empty()) return;
        // A package does not conflict with itself, but with whoever else provides the name.
        provide("port " + release.offer);
        if (release.exclusive) solvable->conflicts = ::repo_addid_dep(repo_, solvable->conflicts, id("port " + release.offer), 0);
    }

    const Universe& universe_;
    Pool* pool_;
    Repo* repo_;
    std::map<std::string, std::set<std::string>> ranges_;
};

} // namespace

bool fits_by_libsolv(const Universe& universe) { return Asked(universe).fits(); }

} // namespace symphony::packaging::test
