// SPDX-License-Identifier: Apache-2.0
#include "store_impl.hpp"
#include "verify.hpp"

#include <algorithm>
#include <random>

namespace symphony::store {

constexpr std::size_t findings_max = 10'000;
constexpr std::size_t names_max = 100;

Status Verifier::tell(std::string_view stage, std::uint64_t done, std::uint64_t total) {
    if (!progress_ || progress_({stage, done, total})) return {};
    return Error(Code::cancelled, "verification was cancelled");
}

void Verifier::find(const Error& error, std::string where, const std::optional<Digest>& blob) {
    ++report_.findings_total;
    if (report_.findings.size() >= findings_max) return;
    if (blob) damaged_[*blob].push_back(report_.findings.size());
    report_.findings.push_back({damage_of(error).value_or(Damage::bit_rot), std::move(where), error.message(), error.hint(), {}});
}

Result<bool> Verifier::blob(const PackFile& pack, std::uint64_t offset, const Frame& frame) {
    auto one = pack.read(offset, frame.stored, &frame.id);
    if (!one) one = pack.read(offset, frame.stored, &frame.id); // see Engine::load()
    if (one && frame.type != BlobType::footer && engine_.veil().blob_id(frame.type, one->content) != frame.id) {
        one = damage_error(Damage::tampered, pack.path() + ": at " + std::to_string(offset) + ": the content is not that of its id");
    }
    ++report_.blobs;
    report_.bytes += frame.stored;
    if (one) return true;
    if (!damage_of(one.error())) return std::move(one).error();
    find(one.error(), pack.path() + ":" + std::to_string(offset), frame.id);
    return false;
}

Status Verifier::pack(Index& index, const PackRow& row) {
    ++report_.packs;
    engine_.forget_pack(row.id);
    auto file = engine_.pack_file(row);
    std::vector<FooterEntry> entries;
    auto read = [&]() -> Status {
        const auto opened = SYMPHONY_TRY(std::move(file));
        const std::uint64_t size = SYMPHONY_TRY(opened->size());
        if (row.state == PackState::sealed && size != row.bytes) {
            return damage_error(size < row.bytes ? Damage::torn : Damage::tampered, opened->path() + ": has " + std::to_string(size) + " bytes, " + std::to_string(row.bytes) + " were written");
        }
        if (row.state == PackState::sealed) {
            entries = SYMPHONY_TRY(opened->footer()).entries;
        } else {
            const auto walk = SYMPHONY_TRY(opened->walk([&](std::uint64_t offset, const Frame& frame) {
                entries.push_back({offset, frame});
                return offset + frame_bytes + frame.stored < row.committed;
            }));
            if (!walk.holes.empty()) return damage_error(Damage::bit_rot, opened->path() + ": at " + std::to_string(walk.holes.front().first) + ": no blob where one was written");
        }
        for (const FooterEntry& entry : entries) {
            if (depth_ == Depth::data && chance_(random_) < sample_) static_cast<void>(SYMPHONY_TRY(blob(*opened, entry.offset, entry.frame)));
        }
        return {};
    }();
    if (!read && damage_of(read.error())) {
        find(read.error(), row.state == PackState::sealed ? sealed_path(row.id) : open_path(row.id), std::nullopt);
        broken_packs_.insert(row.row);
        return {};
    }
    SYMPHONY_TRY(std::move(read));
    // What the index has in this pack must be in it.
    std::uint64_t live = 0;
    for (const FooterEntry& entry : entries) {
        if (entry.frame.type != BlobType::data && entry.frame.type != BlobType::list) continue;
        const auto known = SYMPHONY_TRY(index.blob(entry.frame.id));
        if (known && known->pack == row.row && known->place.offset == entry.offset && known->place.stored == entry.frame.stored) live += entry.frame.stored;
    }
    if (row.state == PackState::sealed && live != row.live) {
        find(damage_error(Damage::missing, sealed_path(row.id) + ": the index has " + std::to_string(row.live) + " bytes of blobs in it, it holds " + std::to_string(live)), sealed_path(row.id), std::nullopt);
    }
    return {};
}

Status Verifier::artifacts(Index& index) {
    std::int64_t after = 0;
    std::vector<std::pair<ContentId, ArtifactRecord>> page;
    do {
        page.clear();
        {
            auto row = index.database().prepare("SELECT id, token, record FROM artifacts WHERE id > ? ORDER BY id LIMIT 500");
            row.bind(after);
            while (row.step()) {
                after = row.number(0);
                const auto value = index.veil().open(row.bytes(1), row.bytes(2));
                auto record = value && value->size() >= 32 ? ArtifactRecord::decode(Bytes(*value).subspan(32)) : std::nullopt;
                if (!record) {
                    find(damage_error(Damage::bit_rot, "index: the row of an artifact is damaged"), std::string(index_path), std::nullopt);
                    continue;
                }
                ContentId id;
                std::copy_n(value->begin(), 32, id.bytes.begin());
                page.emplace_back(id, *std::move(record));
            }
            SYMPHONY_TRY(row.done());
        }
        for (const auto& [id, record] : page) SYMPHONY_TRY(artifact(index, id, record));
        SYMPHONY_TRY(tell("artifacts", report_.artifacts, 0));
    } while (!page.empty());
    return {};
}

Status Verifier::artifact(Index& index, const ContentId& id, const ArtifactRecord& record) {
    ++report_.artifacts;
    std::set<std::size_t> findings;
    bool broken = false;
    const auto look = [&](const Digest& blob) -> Status {
        if (const auto at = damaged_.find(blob); at != damaged_.end()) findings.insert(at->second.begin(), at->second.end());
        const auto known = SYMPHONY_TRY(index.blob(blob));
        if (!known || broken_packs_.contains(known->pack)) broken = true;
        if (damaged_.contains(blob)) broken = true;
        if (known) return {};
        find(damage_error(Damage::missing, "chunk " + blob.hex() + ": no pack has it"), "index", blob);
        findings.insert(report_.findings.size() - 1);
        return {};
    };
    for (const Part& part : record.parts) SYMPHONY_TRY(look(part.blob));
    if (record.lists && !broken && (depth_ == Depth::data || !damaged_.empty() || !broken_packs_.empty())) {
        auto walked = for_each_chunk(engine_, index, record, [&](const Part& part) -> Result<bool> {
            SYMPHONY_TRY(look(part.blob));
            return true;
        });
        if (!walked && !damage_of(walked.error())) return walked;
        if (!walked) broken = true;
    }
    if (!broken) return {};
    const std::string name = spoken_name(index, id);
    lost_.emplace_back(id, name);
    for (const std::size_t finding : findings) {
        if (finding < report_.findings.size() && report_.findings[finding].artifacts.size() < names_max) report_.findings[finding].artifacts.push_back(name);
    }
    if (!findings.empty()) return {};
    // Its pack as a whole is broken: the name goes to the finding of the pack.
    for (Finding& finding : report_.findings) {
        if (finding.where.ends_with(".pack") && finding.artifacts.size() < names_max) {
            finding.artifacts.push_back(name);
            break;
        }
    }
    return {};
}

/// One state of the index for all of a pack; puts and collections go on meanwhile.
Status Verifier::one_pack(Index& index, const PackId& id) {
    SYMPHONY_TRY(index.database().execute("BEGIN"));
    const auto row = index.pack(id);
    const VerifyReport before = report_;
    auto done = row && *row ? pack(index, **row) : row ? Status() : Status(row.error());
    static_cast<void>(index.database().execute("COMMIT"));
    SYMPHONY_TRY(std::move(done));
    if (report_.findings_total == before.findings_total) return {};
    // Written anew meanwhile: the findings are about a pack that is no more.
    const auto now = SYMPHONY_TRY(index.pack(id));
    if (!now) report_ = before;
    return {};
}

/// Packs, or parts of them, that the index does not know: a put that was killed leaves them, and so does somebody who puts an older
/// index in its place. Nothing is lost by either: a writer takes them over when it opens the store. While it has it open it is just
/// writing them.
Status Verifier::beyond_the_index() {
    if (engine_.options().access == Access::writer || engine_.has_writer()) return {};
    auto reader = SYMPHONY_TRY(engine_.read());
    for (const Entry& file : SYMPHONY_TRY(engine_.folder().list("open"))) SYMPHONY_TRY(beyond_the_index(*reader, file, "open/" + file.name));
    for (const Entry& folder : SYMPHONY_TRY(engine_.folder().list("packs"))) {
        if (!folder.folder) continue;
        const std::string path = "packs/" + folder.name;
        for (const Entry& file : SYMPHONY_TRY(engine_.folder().list(path))) SYMPHONY_TRY(beyond_the_index(*reader, file, path + "/" + file.name));
    }
    return {};
}

Status Verifier::beyond_the_index(Index& index, const Entry& file, const std::string& path) {
    const auto id = pack_named(file.name);
    if (!id) return {};
    const auto row = SYMPHONY_TRY(index.pack(*id));
    const std::uint64_t known = row ? std::max(row->bytes, row->committed) : pack_head_bytes;
    if (file.size <= known || (row && row->state == PackState::sealed)) return {};
    constexpr std::size_t notes_max = 100;
    if (report_.notes.size() == notes_max) return {};
    report_.notes.push_back(path + ": the index does not know " + std::to_string(file.size - known) +
                            " bytes of it: a put did not come to its end, or the index is older than the packs; nothing is lost: the next put takes over what is whole, and so does "
                            "symphony artifact repair");
    return {};
}

Result<VerifyReport> Verifier::run() {
    std::vector<PackRow> packs;
    {
        auto reader = SYMPHONY_TRY(engine_.read());
        packs = SYMPHONY_TRY(reader->packs());
    }
    std::uint64_t done = 0;
    for (const PackRow& row : packs) {
        SYMPHONY_TRY(tell("packs", done++, packs.size()));
        auto reader = SYMPHONY_TRY(engine_.read());
        SYMPHONY_TRY(one_pack(*reader, row.id));
    }
    auto reader = SYMPHONY_TRY(engine_.read());
    SYMPHONY_TRY(artifacts(*reader));
    SYMPHONY_TRY(beyond_the_index());
    return report_;
}

Result<VerifyReport> StoreImpl::verify(const VerifyOptions& options, const ProgressFn& progress) {
    if (!(options.sample >= 0 && options.sample <= 1)) return Error(Code::invalid_argument, "bad-sample", "a sample is a share from 0 to 1");
    return Verifier(*engine_, options, progress).run();
}

Result<ScrubReport> StoreImpl::scrub_step(const ScrubBudget& budget) {
    SYMPHONY_TRY(engine_->refuse_reader());
    const std::uint64_t until = engine_->clock().steady_ms() + static_cast<std::uint64_t>(std::max<std::int64_t>(1, budget.time.count()));
    Verifier verifier(*engine_, {Depth::data, 1.0, 0}, {});
    ScrubReport out;
    auto reader = SYMPHONY_TRY(engine_->read());
    std::uint64_t pack = SYMPHONY_TRY(reader->value("scrub-pack")), place = SYMPHONY_TRY(reader->value("scrub-place"));
    const auto packs = SYMPHONY_TRY(reader->packs());
    std::size_t number = 0;
    while (number < packs.size() && static_cast<std::uint64_t>(packs[number].row) < pack) ++number;
    const auto spent = [&] { return verifier.report().bytes >= budget.bytes || engine_->clock().steady_ms() >= until; };
    bool stopped = false;
    for (; number < packs.size() && !stopped; ++number) {
        const PackRow& row = packs[number];
        if (static_cast<std::uint64_t>(row.row) != pack) place = 0;
        pack = static_cast<std::uint64_t>(row.row);
        auto file = engine_->pack_file(row);
        auto footer = row.state == PackState::sealed && file ? (*file)->footer() : Result<Footer>(Footer());
        if (!file || !footer) {
            const Error error = file ? footer.error() : file.error();
            if (!damage_of(error)) return error;
            verifier.find(error, sealed_path(row.id), std::nullopt);
            continue;
        }
        while (place < footer->entries.size()) {
            if (spent()) {
                stopped = true;
                break;
            }
            const FooterEntry& entry = footer->entries[place++];
            static_cast<void>(SYMPHONY_TRY(verifier.blob(**file, entry.offset, entry.frame)));
        }
        if (stopped) break;
    }
    out.wrapped = !stopped;
    out.position = packs.empty() || out.wrapped ? 1.0 : static_cast<double>(number) / static_cast<double>(packs.size());
    if (!verifier.report().good()) SYMPHONY_TRY(verifier.artifacts(*reader));
    out.checked = verifier.report();
    SYMPHONY_TRY(engine_->commit([&](Transaction& transaction) -> Status {
        transaction.touch();
        SYMPHONY_TRY(transaction.index().set_value("scrub-pack", out.wrapped ? 0 : pack));
        return transaction.index().set_value("scrub-place", out.wrapped ? 0 : place);
    }));
    return out;
}

} // namespace symphony::store
