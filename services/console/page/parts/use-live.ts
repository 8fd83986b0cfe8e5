import { useEffect, useEffectEvent, useState } from 'react';
import type { StreamedOutcomes, StreamedWaiting } from '../../src/answers/stream.ts';
import { liveAddress } from '../api.ts';

interface Live {
  /** Null: off. `tenant`: only its outcomes. */
  readonly wanted: { readonly tenant: string | undefined } | null;
  readonly onOutcomes: (some: StreamedOutcomes) => void;
  /** Events whose outcomes will come. */
  readonly onWaiting: (some: StreamedWaiting) => void;
  /** Something was missed, or may have been before the server began to follow. */
  readonly onGap: () => void;
}

/** Follows outcomes while the page is visible. Says whether it does. */
export function useLive({ wanted, onOutcomes, onWaiting, onGap }: Live): 'off' | 'connecting' | 'live' {
  const [state, setState] = useState<'connecting' | 'live'>('connecting');
  const take = useEffectEvent(onOutcomes);
  const expectOutcomes = useEffectEvent(onWaiting);
  const miss = useEffectEvent(onGap);
  const address = wanted === null ? null : liveAddress(wanted.tenant);
  useEffect(() => {
    if (address === null) return;
    let source: EventSource | null = null;
    let again: ReturnType<typeof setTimeout> | undefined;
    function follow(from: string): void {
      const opened = new EventSource(from);
      source = opened;
      opened.addEventListener('open', () => setState('live'));
      // The first message says that the server follows. What came after the list was loaded and before that would be missing.
      opened.addEventListener('outcomes', () => miss(), { once: true });
      opened.addEventListener('outcomes', ({ data }: MessageEvent<string>) => take(JSON.parse(data) as StreamedOutcomes));
      opened.addEventListener('waiting', ({ data }: MessageEvent<string>) => expectOutcomes(JSON.parse(data) as StreamedWaiting));
      opened.addEventListener('gap', () => miss());
      opened.addEventListener('error', () => {
        setState('connecting');
        // The browser tries again by itself, but not after an answer that is none.
        if (opened.readyState !== EventSource.CLOSED) return;
        again = setTimeout(() => follow(from), retryMs);
      });
    }
    function onVisibility(): void {
      if (address === null) return;
      if (document.hidden) {
        clearTimeout(again);
        source?.close();
        source = null;
      } else if (source === null) follow(address);
    }
    if (!document.hidden) follow(address);
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      clearTimeout(again);
      source?.close();
      setState('connecting');
    };
  }, [address]);
  return wanted === null ? 'off' : state;
}

const retryMs = 5_000;
