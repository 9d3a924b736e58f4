// SPDX-License-Identifier: Apache-2.0
#include <symphony/permissions/subject.hpp>

#include "chain.hpp"

#include <algorithm>

namespace symphony::permissions {

std::shared_ptr<const Request> Request::of(const manifests::Manifest& manifest, std::string file) {
    auto made = std::make_shared<Request>();
    for (const auto& asked : manifests::asked_of(manifest)) {
        Wish wish{asked.right, {}, asked.optional, asked.place, "plugin:#", "requires"};
        if (asked.written != nullptr) wish.reason = asked.written->reason, wish.value = asked.written->value, wish.key = name_of(asked.written->kind);
        made->wishes_.push_back(std::move(wish));
    }
    std::stable_sort(made->wishes_.begin(), made->wishes_.end(), [](const Wish& a, const Wish& b) { return a.right < b.right; });
    made->rights_ = RightSet::requested(manifest);
    made->required_ = RightSet::requested(manifest, false);
    made->digest_ = digest_of(made->rights_);
    made->file_ = std::move(file);
    return made;
}

const Wish* Request::find(const Right& right) const noexcept {
    const Wish* best = nullptr;
    for (const Wish& wish : wishes_) {
        if (wish.right.covers(right) && (best == nullptr || best->right.covers(wish.right))) best = &wish;
    }
    return best;
}

std::string digest_of(const RightSet& rights) { return sha256_hex(rights.text()); }

} // namespace symphony::permissions
