// SPDX-License-Identifier: Apache-2.0
#include "compact_data.hpp"
#include "release_maker.hpp"

#include <symphony/nearest.hpp>

#include <unordered_map>

namespace symphony::packaging {

struct CompactIndex::Reader::State {
    State(const Data& index, std::vector<std::string> triples, Barred why) : data(index), maker(std::move(triples)), barred(std::move(why)), ranges(index.rows(Data::texts)) {}

    /// Ranges by the number of their text: looked up and not parsed again.
    Result<const manifests::Range*> range(std::uint32_t number) {
        if (number < ranges.size() && ranges[number] != nullptr) return ranges[number];
        const auto* found = SYMPHONY_TRY(maker.arena().range(data.text(number)));
        if (number < ranges.size()) ranges[number] = found;
        return found;
    }
    Status read_release(std::string_view id, std::uint32_t number) {
        const auto row = data.row<ReleaseRow>(Data::releases, number);
        const auto next = data.row<ReleaseRow>(Data::releases, number + 1);
        SYMPHONY_TRY(maker.abi(data.text(row.abi)));
        if (row.host != 0) maker.need(host_id, SYMPHONY_TRY(range(row.host)), false);
        Status status;
        data.each<NeedRow>(Data::needs, row.first_need, next.first_need, [&](const NeedRow& need) {
            auto found = range(need.range);
            if (found) maker.need(data.text(need.id), *found, need.optional != 0);
            else if (status) status = std::move(found).error();
        });
        SYMPHONY_TRY(std::move(status));
        data.each<OfferRow>(Data::offers, row.first_offer, next.first_offer, [&](const OfferRow& offer) { maker.offer(data.text(offer.port), offer.exclusive != 0); });
        data.each<UseRow>(Data::uses, row.first_use, next.first_use, [&](const UseRow& use) { maker.use(data.text(use.port), data.text(use.provider)); });
        data.each<TextRow>(Data::triples, row.first_triple, next.first_triple, [&](TextRow triple) { maker.artifact(data.text(triple)); });
        return maker.end(data.text(row.version), row.yanked != 0, why_barred(id, row));
    }
    /// Asked once for the versions of one signer: they are of one mind.
    std::string_view why_barred(std::string_view id, const ReleaseRow& row) {
        if (!barred) return {};
        if (id != asked_id || row.signer != asked_signer) {
            IndexView view;
            view.id = asked_id = id;
            view.version = data.text(row.version);
            view.signer = data.text(row.signer);
            asked_signer = row.signer;
            answer = barred(view);
        }
        return answer;
    }

    const Data& data;
    ReleaseMaker maker;
    Barred barred;
    std::vector<const manifests::Range*> ranges;
    std::unordered_map<std::string_view, const Package*> known;
    std::string_view asked_id;
    std::uint32_t asked_signer = 0;
    std::string answer;
};

CompactIndex::Reader::Reader(const CompactIndex& index, std::vector<std::string> triples, Barred barred)
    : state_(std::make_unique<State>(*index.data_, std::move(triples), std::move(barred))) {}
CompactIndex::Reader::~Reader() = default;

Result<const Package*> CompactIndex::Reader::find(std::string_view id) {
    auto& state = *state_;
    if (const auto found = state.known.find(id); found != state.known.end()) return found->second;
    const auto row = state.data.find(id);
    if (!row) return nullptr;
    const auto own_id = state.data.text(row->id);
    for (std::uint32_t i = 0; i < row->releases && row->first_release + i < state.data.rows(Data::releases); ++i) {
        SYMPHONY_TRY(state.read_release(own_id, row->first_release + i));
    }
    const auto* package = state.maker.package(own_id);
    state.known.emplace(package->id, package);
    return package;
}

std::vector<std::string> CompactIndex::Reader::offering(std::string_view port) {
    constexpr std::size_t ids_max = 8;
    const auto& data = state_->data;
    std::vector<std::string> out;
    for (std::uint32_t i = 0; i < data.rows(Data::packages) && out.size() < ids_max; ++i) {
        const auto row = data.row<PackageRow>(Data::packages, i);
        const auto first = data.row<ReleaseRow>(Data::releases, row.first_release).first_offer;
        const auto last = data.row<ReleaseRow>(Data::releases, row.first_release + row.releases).first_offer;
        bool offers = false;
        data.each<OfferRow>(Data::offers, first, last, [&](const OfferRow& offer) { offers = offers || data.text(offer.port) == port; });
        if (offers) out.emplace_back(data.text(row.id));
    }
    return out;
}

std::string CompactIndex::Reader::similar(std::string_view id) {
    const auto& data = state_->data;
    Nearest nearest(id);
    for (std::uint32_t i = 0; i < data.rows(Data::packages); ++i) {
        if (const auto other = data.text(data.row<PackageRow>(Data::packages, i).id); other != id) nearest.look_at(other);
    }
    return std::string(nearest.best());
}

} // namespace symphony::packaging
