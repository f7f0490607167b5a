import { expect, it } from 'vitest'
import { DASHBOARDS, textOf, writtenText } from '../../deploy/grafana/dashboards.ts'

it('the files are what the source says; else run make dashboards', () => {
  for (const [name, dashboard] of Object.entries(DASHBOARDS))
    expect(writtenText(name) === textOf(dashboard), `deploy/grafana/dashboards/${name}.json`).toBe(true)
})

it('panels have titles, data sources of the dashboard, and lie on no other', () => {
  for (const [name, { panels = [] }] of Object.entries(DASHBOARDS)) {
    const taken = new Set<string>()
    const titles = new Set<string>()
    for (const panel of panels) {
      const { title, type, datasource, gridPos, targets } = panel as {
        title?: string
        type: string
        datasource?: { uid: string }
        gridPos: { x: number; y: number; w: number; h: number }
        targets?: { datasource?: { uid: string }; refId: string }[]
      }
      expect(title, name).toBeTruthy()
      expect(titles.has(title!), `${name}: ${title} twice`).toBe(false)
      titles.add(title!)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x}/${y}`), `${name}: ${title} at ${x}/${y}`).toBe(false)
          expect(x, `${name}: ${title}`).toBeLessThan(24)
          taken.add(`${x}/${y}`)
        }
      if (type === 'row') continue
      expect(datasource?.uid, `${name}: ${title}`).toBe('$datasource')
      for (const target of targets ?? []) expect(target.datasource?.uid).toBe('$datasource')
      expect(new Set(targets?.map(({ refId }) => refId)).size).toBe(targets?.length)
    }
  }
})
