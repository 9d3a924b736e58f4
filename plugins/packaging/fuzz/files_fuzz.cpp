// SPDX-License-Identifier: Apache-2.0
// The small files of packages and of what is installed: FILES, profile.toml, publishers.toml, registries.toml.
#include <symphony/packaging/file_list.hpp>
#include <symphony/packaging/generations.hpp>
#include <symphony/packaging/publishers.hpp>
#include <symphony/packaging/registries.hpp>

#include <cstdlib>

namespace {

using namespace symphony::packaging;

void must(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto list = FileList::parse(text)) must(list->text() == text);
    if (const auto profile = Profile::parse(text)) {
        const auto again = Profile::parse(profile->text());
        must(again && *again == *profile && again->text() == profile->text());
    }
    if (const auto publishers = Publishers::parse(text)) {
        const auto again = Publishers::parse(publishers->text());
        must(again && again->all() == publishers->all());
    }
    if (const auto registries = RegistryList::parse(text)) must(*RegistryList::parse(registries->text()) == *registries);
    return 0;
}
