// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace symphony::tracker {

/// What the runs of one host share: named resources, and how many calls at a time plugins get. [any thread]
///
/// Each run says how much there is of a thing, and asks for what its own calls need, all of it or nothing. Who waits is served run by run: first the
/// run that was served longest ago, of its calls the one with the highest priority, then the one that came first. Who cannot be served yet keeps what it
/// lacks from all behind it, so that what is in use only becomes less until it has its turn: nobody starves.
class SharedLimits : public std::enable_shared_from_this<SharedLimits> {
public:
    /// One thing, for all who name it.
    struct Thing {
        std::uint64_t in_use = 0;
        std::uint64_t round = 0;  // of serve(): who came before lacks it
    };
    /// So much of a thing; `limit` is how much there is of it, as the run says.
    struct Claim {
        std::shared_ptr<Thing> thing;
        std::uint32_t count = 0;
        std::uint32_t limit = 0;
    };
    using Claims = std::vector<Claim>;

    /// A run. Destroyed, it gives back what it has, and nobody waits for it.
    class Member {
    public:
        /// @param granted  Called for each ticket whose turn has come, on whatever thread gave something back; not with a lock held.
        Member(std::shared_ptr<SharedLimits> limits, std::function<void(std::uint64_t ticket)> granted);
        ~Member();
        Member(const Member&) = delete;
        Member& operator=(const Member&) = delete;

        /// @return Whether the claims are the caller's now. Else `granted` is called with the ticket when they are. @param claims  Live as long as the member.
        bool take(const Claims& claims, std::int32_t priority, std::uint64_t ticket);
        /// What was taken or granted is there for others.
        void give(const Claims& claims);
        /// Nobody waits any more. @return The tickets that did; none of them will be granted.
        std::vector<std::uint64_t> withdraw();

    private:
        friend class SharedLimits;
        struct Waiting {
            std::int32_t priority = 0;
            std::uint64_t turn = 0;
            std::uint64_t ticket = 0;
        };
        struct Behind {
            bool operator()(const Waiting& a, const Waiting& b) const noexcept { return a.priority != b.priority ? a.priority < b.priority : a.turn > b.turn; }
        };
        const std::shared_ptr<SharedLimits> limits_;
        const std::function<void(std::uint64_t)> granted_;
        std::map<const Claims*, std::vector<Waiting>> queues_;  // heaps: those that want the same
        std::vector<std::pair<std::shared_ptr<Thing>, std::uint64_t>> held_;
        std::uint64_t served_ = 0;
        std::uint64_t turns_ = 0;
    };

    /// The thing of a name, made when nobody has named it.
    std::shared_ptr<Thing> thing(const std::string& name);

private:
    struct Grant {
        Member* member = nullptr;
        std::uint64_t ticket = 0;
    };
    static bool fits(const Claims& claims) noexcept;
    static void use(Member& member, const Claims& claims);
    /// Gives what is there to those whose turn it is. With mutex_ held.
    std::vector<Grant> serve();
    static void tell(const std::vector<Grant>& grants);

    std::mutex mutex_;
    std::mutex telling_;  // a member goes only when nobody tells it something
    std::map<std::string, std::weak_ptr<Thing>> things_;
    std::vector<Member*> members_;
    std::uint64_t rounds_ = 0;
    std::uint64_t services_ = 0;
};

} // namespace symphony::tracker
