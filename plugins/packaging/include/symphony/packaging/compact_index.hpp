// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/index_line.hpp>
#include <symphony/packaging/provider.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// All index files of a snapshot in one block of bytes that is read at once: for search, look-up and the resolver. A cache, made from what was
/// verified and kept by its user: it has a checksum against accidents and no signature. Whatever the bytes, nothing outside them is read. Const calls
/// may be concurrent.
class CompactIndex {
public:
    static constexpr std::uint64_t bytes_max = 1024ull * 1024 * 1024;

    class Builder {
    public:
        Builder();
        ~Builder();
        /// All versions of one id, rising, as read_index_file() gives them. Each id once.
        Status add(std::string_view id, const std::vector<IndexLine>& versions);
        /// @param snapshot  The SHA-256 of the snapshot that it is made of.
        Result<std::string> finish(std::string_view snapshot);

    private:
        struct State;
        std::unique_ptr<State> state_;
    };

    struct Summary {
        std::string_view id, name, description;
        std::string_view version; ///< the highest that is not yanked and no pre-release, else the highest; of an empty package: empty
        std::uint32_t versions = 0;
    };
    struct Hit {
        Summary summary;
        std::uint32_t score = 0;
    };

    /// @return `data_corrupt`, "bad-index-cache", when it is none, damaged or of another build.
    static Result<CompactIndex> open(std::string bytes);
    CompactIndex(CompactIndex&&) noexcept;
    CompactIndex& operator=(CompactIndex&&) noexcept;
    ~CompactIndex();

    std::string_view snapshot() const noexcept;
    std::size_t packages() const noexcept;
    std::optional<Summary> find(std::string_view id) const;
    /// Plugins whose id, name, keywords or description have all the words, in any case; the best first: whole words of the id before its parts,
    /// then name, keywords and description. Equal ones by id.
    std::vector<Hit> search(std::string_view words, std::size_t count_max, std::size_t* total = nullptr) const;

    /// The versions of an id for the resolver. Why one is barred is asked for each; null: none is.
    class Reader;
    using Barred = std::function<std::string(const IndexView& line)>;

private:
    struct Data;
    explicit CompactIndex(std::unique_ptr<const Data> data);
    std::unique_ptr<const Data> data_;
};

/// A provider over an index, which outlives it.
class CompactIndex::Reader final : public Provider {
public:
    /// @param triples  Platforms that a version must have. @param barred  Told id, signer and version of each release; may be empty.
    Reader(const CompactIndex& index, std::vector<std::string> triples, Barred barred);
    ~Reader() override;
    Result<const Package*> find(std::string_view id) override;
    std::vector<std::string> offering(std::string_view port) override;
    std::string similar(std::string_view id) override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace symphony::packaging
