// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/plan.hpp>
#include <symphony/packaging/publishers.hpp>
#include <symphony/packaging/registry.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// Registries as a source for plans. An id belongs to the first registry that has it, whole: versions of one id from two registries are never
/// mixed, so that nobody slips a higher version of a private plugin in through a public registry.
class RegistrySource final : public Source {
public:
    struct Options {
        std::vector<std::string> triples;        ///< platforms that a version must have
        const Publishers* publishers = nullptr;  ///< the user's: a version that is not signed by the key its id is pinned to is barred
        bool compact = true; ///< through Registry::kept_index() where it is there; else index files as they are needed, which a far registry has thousands of
    };
    /// @param registries  In the order in which they are asked; outlive the source.
    RegistrySource(std::vector<Registry*> registries, Options options);
    ~RegistrySource() override;

    Result<const Package*> find(std::string_view id) override;
    std::vector<std::string> offering(std::string_view port) override;
    std::string similar(std::string_view id) override;
    std::vector<Lock::Registry> registries() const override;
    Result<Lock::Package> describe(std::string_view id, const manifests::Version& version) override;

    /// The registry that an id belongs to, or null.
    Result<Registry*> registry_of(std::string_view id);
    /// The line of a version. @return `not_found`, "unknown-version".
    Result<IndexLine> line(std::string_view id, const manifests::Version& version);

private:
    struct One;
    std::string why_barred(const Registry& registry, const IndexView& line) const;
    Result<const Package*> find_in(One& one, std::string_view id);
    void use_index(One& one, CompactIndex index);
    void look_for_index(One& one);
    bool open_index(One& one);

    Options options_;
    std::vector<std::unique_ptr<One>> all_;
    std::map<std::string, std::vector<IndexLine>, std::less<>> lines_;
};

} // namespace symphony::packaging
