import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { DatabasePages } from '@notion-mirror/mirror-store/entities/database-pages';
import type { OutcomePages } from '@notion-mirror/mirror-store/outcome-pages';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { OperationContext } from '@notion-mirror/operations/operation-context';
import type { Kafka } from '@notion-mirror/operations/servers';
import type { Config, Environment } from '@notion-mirror/service-kit/config';
import type { JobRunner } from '@notion-mirror/operations/jobs/job-runner';
import type { CanDo } from './acting/can-do.ts';
import type { Plans } from './acting/plans.ts';
import type { Gate } from './access/who.ts';
import type { Live } from './live/live.ts';
import type { Overview } from './overview/overview.ts';
import type { EventViews } from './views/event-lines.ts';
import type { LetterSample } from './views/letter-sample.ts';
import type { TenantLines } from './views/tenant-lines.ts';

/** What the routes are made of. */
export interface ConsoleParts {
  readonly config: Config<'console'>;
  readonly env: Environment;
  readonly context: OperationContext;
  readonly db: Mongo['db'];
  readonly kafka: Kafka;
  readonly directory: Pick<ConnectionDirectory, 'all' | 'ofWorkspace' | 'tenants'>;
  readonly databases: DatabasePages;
  readonly outcomes: OutcomePages;
  readonly views: EventViews;
  readonly lines: TenantLines;
  readonly overview: Overview;
  readonly live: Live;
  readonly gate: Gate;
  readonly plans: Plans;
  readonly jobs: JobRunner;
  readonly letters: LetterSample;
  readonly canDo: CanDo;
  readonly version: string;
  /** Whether customers' texts are shown. */
  readonly content: boolean;
}
