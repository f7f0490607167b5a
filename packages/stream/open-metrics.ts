import { Registry } from 'prom-client'

/** Whether a scraper asks for OpenMetrics: Prometheus does, and gets exemplars that way. */
export const wantsOpenMetrics = (accept: string | undefined): boolean =>
  accept?.includes('application/openmetrics-text') ?? false

/**
 * The same metrics as OpenMetrics. prom-client's own switch of a registry renames the counters in place, after which the
 * plain format has wrong names; so each answer gets a registry of views.
 */
export async function openMetrics(
  registry: Registry,
): Promise<{ readonly text: string; readonly type: string }> {
  const view = new Registry()
  view.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
  for (const { name } of registry.getMetricsAsArray()) {
    const metric = registry.getSingleMetric(name)!
    view.registerMetric({
      name,
      async get() {
        const { getForPromString } = metric as { getForPromString?: () => Promise<{ name: string }> }
        const data = await (getForPromString?.call(metric) ?? metric.get())
        return { ...data, name: data.name.replace(/_total$/, '') }
      },
      // The registry looks at it to know a counter.
      type: (metric as unknown as { type: string }).type,
    } as never)
  }
  return { text: await view.metrics(), type: Registry.OPENMETRICS_CONTENT_TYPE }
}
