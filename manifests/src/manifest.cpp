// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/manifest.hpp>

#include <algorithm>

namespace symphony::manifests {
namespace {

template <class T>
const T* find(const std::vector<T>& all, std::string T::*key, std::string_view wanted) noexcept {
    const auto at = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.*key == wanted; });
    return at == all.end() ? nullptr : &*at;
}

} // namespace

const Provide* Manifest::find_provide(std::string_view port) const noexcept { return find(provides, &Provide::port, port); }
const Operation* Manifest::find_operation(std::string_view operation_name) const noexcept {
    return find(operations, &Operation::name, operation_name);
}
const Artifact* Manifest::find_artifact(std::string_view triple) const noexcept {
    return find(artifacts, &Artifact::triple, triple);
}

} // namespace symphony::manifests
