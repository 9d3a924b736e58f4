// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// One line of an index file: all that can be known of a version without its package. A later line of the same version takes the place of an
/// earlier one; it may add artefacts, change `yanked` and `advisories`, and nothing else.
template <class Text>
struct IndexEntry {
    struct Need {
        Text id, range;
        bool optional = false;
        friend bool operator==(const Need&, const Need&) = default;
    };
    struct Offer {
        Text port;
        bool exclusive = false;
        friend bool operator==(const Offer&, const Offer&) = default;
    };
    struct Use {
        Text port, provider;
        friend bool operator==(const Use&, const Use&) = default;
    };
    struct Artifact {
        Text triple, sha256, files;
        std::uint64_t size_bytes = 0;
        friend bool operator==(const Artifact&, const Artifact&) = default;
    };

    Text id, version;
    Text abi;  ///< "1.0": major, and the least minor
    Text host; ///< the range of `symphony-core`, or empty
    std::vector<Need> needs;       ///< sorted by id
    std::vector<Offer> provides;
    std::vector<Use> uses;         ///< what it cannot do without
    std::vector<Text> rights;      ///< canonical texts, optional ones too
    std::vector<Text> rights_added; ///< that the version before did not ask for, as the registry saw it
    std::vector<Artifact> artifacts;
    Text manifest;                 ///< SHA-256
    Text signer;                   ///< "RW...", or empty: unsigned
    bool yanked = false;
    std::vector<Text> advisories;
    Text name, description, license;
    std::vector<Text> keywords;
    friend bool operator==(const IndexEntry&, const IndexEntry&) = default;
};
using IndexLine = IndexEntry<std::string>;
using IndexView = IndexEntry<std::string_view>;

inline constexpr std::size_t index_line_bytes_max = 256 * 1024;
inline constexpr std::size_t index_file_bytes_max = 64 * 1024 * 1024;

/// Reads an index file line by line, fast: a gigabyte in some seconds. One thread.
class IndexReader {
public:
    IndexReader();
    IndexReader(std::string_view bytes, std::string_view file) : IndexReader() { begin(bytes, file); }
    ~IndexReader();
    IndexReader(const IndexReader&) = delete;
    IndexReader& operator=(const IndexReader&) = delete;

    /// Reads another file; what was found good before is not checked again. @param file  For messages.
    void begin(std::string_view bytes, std::string_view file);
    /// The next line, or null behind the last. Its texts are good until the next call. All of them are checked: versions, ranges, digests, keys.
    /// @return `data_corrupt`, "bad-index-line", with the line.
    Result<const IndexView*> next();

private:
    struct State;
    std::unique_ptr<State> state_;
};

IndexLine own(const IndexView& view);
/// One line of JSON with its end, canonical.
std::string print(const IndexLine& line);
/// All versions of a file, later lines merged into earlier ones, rising. @return As IndexReader; "bad-index-line" too when a later line changes what it may not.
Result<std::vector<IndexLine>> read_index_file(std::string_view bytes, std::string_view id, std::string_view file);

} // namespace symphony::packaging
