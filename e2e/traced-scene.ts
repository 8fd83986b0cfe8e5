import { setScene } from './scene.ts';

/** A scene whose services sample every trace, with one tenant that has been swept. `env`: where the spans go. */
export async function setTracedScene(name: string, env: Readonly<Record<string, string>>) {
  const scene = await setScene(name, {
    env: {
      OTEL_TRACES_SAMPLER: 'always_on',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      MIRROR_NOTION_REQUESTS_PER_MINUTE: '20000',
      MIRROR_NOTION_LAG_SECONDS: '1',
      ...env,
    },
  });
  await Promise.all([scene.start('ingress'), scene.start('delete-worker')]);
  const syncWorker = await scene.start('sync-worker');
  const acme = await scene.connect('acme', 'Acme');
  await scene.untilSwept('acme');
  return { scene, syncWorker, acme };
}
