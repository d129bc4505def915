"""What the figure of the colophon shows: each pair, and how much faster the book was in it."""

import io

import table


def figure(result):
    """The figure as the bytes of an SVG file, the same for the same findings."""
    import matplotlib.pyplot as plt

    from digitlib import plots

    pairs = [pair for pair in table.pairs(result) if pair.theirs][::-1]
    fig, ax = plt.subplots(figsize=(6.0, 0.6 + 0.42 * len(pairs)))
    for row, pair in enumerate(pairs):
        ax.plot(pair.gains, [row] * len(pair.gains), "o", ms=5, color=plots.BLUE, alpha=0.5)
        ax.plot([pair.gain] * 2, [row - 0.3, row + 0.3], color=plots.INK)
    ax.axvline(1, color=plots.GRAY, linewidth=1)
    ax.set_xscale("log")
    ax.set_xticks([0.5, 1, 2, 5, 10, 20], ["½", "1", "2", "5", "10", "20"])
    ax.minorticks_off()
    ax.set_yticks(range(len(pairs)), [pair.name for pair in pairs])
    ax.set_xlabel("times as fast")
    raw = io.BytesIO()
    with plt.rc_context({"svg.hashsalt": "bench"}):
        fig.savefig(raw, format="svg", metadata={"Date": None})
    plt.close(fig)
    return raw.getvalue()
