// SPDX-License-Identifier: Apache-2.0
#include "shared_limits.hpp"

#include <algorithm>

namespace symphony::tracker {

SharedLimits::Member::Member(std::shared_ptr<SharedLimits> limits, std::function<void(std::uint64_t)> granted) : limits_(std::move(limits)), granted_(std::move(granted)) {
    const std::lock_guard lock(limits_->mutex_);
    served_ = ++limits_->services_;
    limits_->members_.push_back(this);
}

SharedLimits::Member::~Member() {
    const std::lock_guard telling(limits_->telling_);
    std::vector<Grant> grants;
    {
        const std::lock_guard lock(limits_->mutex_);
        std::erase(limits_->members_, this);
        for (auto& [thing, count] : held_) thing->in_use -= count;
        grants = limits_->serve();
    }
    tell(grants);
}

bool SharedLimits::Member::take(const Claims& claims, std::int32_t priority, std::uint64_t ticket) {
    const std::lock_guard telling(limits_->telling_);
    std::vector<Grant> grants;
    {
        const std::lock_guard lock(limits_->mutex_);
        auto& queue = queues_[&claims];
        queue.push_back({priority, turns_++, ticket});
        std::push_heap(queue.begin(), queue.end(), Behind());
        grants = limits_->serve();
    }
    const auto own = std::find_if(grants.begin(), grants.end(), [&](const Grant& grant) { return grant.member == this && grant.ticket == ticket; });
    const bool now = own != grants.end();
    if (now) grants.erase(own);
    tell(grants);
    return now;
}

void SharedLimits::Member::give(const Claims& claims) {
    const std::lock_guard telling(limits_->telling_);
    std::vector<Grant> grants;
    {
        const std::lock_guard lock(limits_->mutex_);
        for (const Claim& claim : claims) {
            claim.thing->in_use -= claim.count;
            const auto held = std::find_if(held_.begin(), held_.end(), [&](const auto& each) { return each.first == claim.thing; });
            held->second -= claim.count;
        }
        grants = limits_->serve();
    }
    tell(grants);
}

std::vector<std::uint64_t> SharedLimits::Member::withdraw() {
    const std::lock_guard telling(limits_->telling_);
    std::vector<std::uint64_t> tickets;
    std::vector<Grant> grants;
    {
        const std::lock_guard lock(limits_->mutex_);
        for (const auto& [claims, queue] : queues_) {
            for (const Waiting& waiting : queue) tickets.push_back(waiting.ticket);
        }
        queues_.clear();
        grants = limits_->serve();  // whoever waited behind them
    }
    tell(grants);
    return tickets;
}

std::shared_ptr<SharedLimits::Thing> SharedLimits::thing(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::erase_if(things_, [](const auto& each) { return each.second.expired(); });
    auto& known = things_[name];
    auto found = known.lock();
    if (found == nullptr) known = found = std::make_shared<Thing>();
    return found;
}

bool SharedLimits::fits(const Claims& claims) noexcept {
    return std::all_of(claims.begin(), claims.end(), [](const Claim& claim) { return claim.thing->in_use + claim.count <= claim.limit; });
}

void SharedLimits::use(Member& member, const Claims& claims) {
    for (const Claim& claim : claims) {
        claim.thing->in_use += claim.count;
        const auto held = std::find_if(member.held_.begin(), member.held_.end(), [&](const auto& each) { return each.first == claim.thing; });
        if (held == member.held_.end()) member.held_.emplace_back(claim.thing, claim.count);
        else held->second += claim.count;
    }
}

std::vector<SharedLimits::Grant> SharedLimits::serve() {
    struct Head {
        Member* member = nullptr;
        const Claims* claims = nullptr;
        Member::Waiting waiting;
    };
    std::vector<Grant> grants;
    for (bool granted = true; granted;) {
        granted = false;
        std::vector<Head> heads;
        for (Member* member : members_) {
            for (const auto& [claims, queue] : member->queues_) {
                if (!queue.empty()) heads.push_back({member, claims, queue.front()});
            }
        }
        std::sort(heads.begin(), heads.end(), [](const Head& a, const Head& b) {
            if (a.member != b.member) return a.member->served_ < b.member->served_;
            return Member::Behind()(b.waiting, a.waiting);
        });
        ++rounds_;
        for (const Head& head : heads) {
            const bool lacked = std::any_of(head.claims->begin(), head.claims->end(), [&](const Claim& claim) { return claim.thing->round == rounds_; });
            if (lacked || !fits(*head.claims)) {
                for (const Claim& claim : *head.claims) claim.thing->round = rounds_;
                continue;
            }
            auto& queue = head.member->queues_[head.claims];
            std::pop_heap(queue.begin(), queue.end(), Member::Behind());
            queue.pop_back();
            use(*head.member, *head.claims);
            head.member->served_ = ++services_;
            grants.push_back({head.member, head.waiting.ticket});
            granted = true;
            break;
        }
    }
    return grants;
}

void SharedLimits::tell(const std::vector<Grant>& grants) {
    for (const Grant& grant : grants) grant.member->granted_(grant.ticket);
}

} // namespace symphony::tracker
