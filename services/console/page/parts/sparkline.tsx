import { sparkPoints, sparkSentence } from './spark-points.ts';

interface SparklineProps {
  /** Oldest first; null: unknown. */
  readonly values: readonly (number | null)[];
  /** What they are, as the beginning of a sentence. */
  readonly name: string;
  readonly textOf: (value: number) => string;
}

/** One hour of a figure. A reader hears a sentence. */
export function Sparkline({ values, name, textOf }: SparklineProps) {
  return (
    <svg className="spark" viewBox="0 0 120 24" preserveAspectRatio="none" role="img" aria-label={sparkSentence(name, values, textOf)}>
      {sparkPoints(values, 120, 24).map((points) => (
        <polyline key={points} points={points} />
      ))}
    </svg>
  );
}
